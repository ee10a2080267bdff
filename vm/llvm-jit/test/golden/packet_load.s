# bpftime-vm: a load of the input memory with its check
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
ldxh %r0, [%r1+12]
be16 %r0
exit
