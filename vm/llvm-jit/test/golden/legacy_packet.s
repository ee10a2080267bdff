# bpftime-vm: legacy packet loads, which may end the function
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
ldabsh 12
mov %r6, %r0
ldindb %r6, 3
exit
