# bpftime-vm: loads that are checked together, one at an index between bounds
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
# optimised: yes
ldxw %r6, [%r1]
add %r6, %r1
rsh32 %r2, 31
lsh %r2, 2
ldxw %r0, [%r6+8]
add %r6, %r2
ldxw %r2, [%r6]
add %r0, %r2
exit
