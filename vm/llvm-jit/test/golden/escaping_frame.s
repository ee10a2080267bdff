# bpftime-vm: a frame whose address is stored
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
mov %r2, %r10
stxdw [%r1], %r2
ldxdw %r0, [%r10-8]
exit
