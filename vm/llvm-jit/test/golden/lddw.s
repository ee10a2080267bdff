# bpftime-vm: 64-bit immediates of every kind
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
lddw %r0, map_by_fd(1)
lddw %r2, map_val(map_by_fd(2))+16
add %r0, %r2
lddw %r2, var_addr(3)
add %r0, %r2
lddw %r2, code_addr(f)
add %r0, %r2
lddw %r2, map_by_idx(5)
add %r0, %r2
lddw %r2, map_val(map_by_idx(6))+32
add %r0, %r2
exit
f: mov %r0, 1
exit
