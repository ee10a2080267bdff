# bpftime-vm: constants of all widths
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
mov %r0, -1
mov32 %r1, -1
lddw %r2, 0x123456789abcdef0
add %r0, %r1
xor32 %r2, 0x7fffffff
add %r0, %r2
exit
