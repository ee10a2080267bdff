# bpftime-vm: a local that lives in the frame, which stays out of memory
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
stxdw [%r10-8], %r2
ldxdw %r0, [%r10-8]
ldxw %r1, [%r10-4]
add %r0, %r1
exit
