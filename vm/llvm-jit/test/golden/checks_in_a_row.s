# bpftime-vm: loads that are checked together
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
# optimised: yes
ldxw %r6, [%r1]
add %r6, %r1
ldxw %r0, [%r6+8]
ldxw %r2, [%r6+16]
add %r0, %r2
exit
