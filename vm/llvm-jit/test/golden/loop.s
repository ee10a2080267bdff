# bpftime-vm: a loop, its budget, and the way through a new slice
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
mov %r0, 0
again: add %r0, %r2
sub %r2, 1
jne %r2, 0, again
exit
