# bpftime-vm: divisions that must not trap
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
mov %r0, %r2
div %r0, %r1
sdiv %r0, %r2
mod32 %r0, %r1
smod %r0, -1
exit
