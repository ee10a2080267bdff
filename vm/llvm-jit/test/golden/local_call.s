# bpftime-vm: a subprogram
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
mov %r1, 20
call local double
add %r0, 2
exit
double: mov %r0, %r1
add %r0, %r1
exit
