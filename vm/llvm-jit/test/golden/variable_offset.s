# bpftime-vm: an offset into the frame that is not known
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
and %r2, 0x38
mov %r3, %r10
sub %r3, %r2
stdw [%r3-8], 7
ldxdw %r0, [%r10-16]
exit
