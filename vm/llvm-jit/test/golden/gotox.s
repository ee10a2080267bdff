# bpftime-vm: a jump table
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
# jump targets: 0 4 6
ldxdw %r2, [%r1]
add %r1, 8
gotox %r2
ja -4
mov %r0, 1
exit
mov %r0, 2
exit
