# bpftime-vm: the same without checks
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
# checks: off
ldxh %r0, [%r1+12]
be16 %r0
exit
