# bpftime-vm: a call of whatever a register says
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
ldxdw %r3, [%r1]
callx %r3
exit
f: mov %r0, 1
lddw %r2, code_addr(f)
exit
