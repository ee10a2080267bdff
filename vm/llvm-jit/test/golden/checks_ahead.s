# bpftime-vm: a check for what comes behind a store and a condition
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
# optimised: yes
ldxw %r6, [%r1]
add %r6, %r1
ldxh %r0, [%r6+12]
jne %r0, 8, end
stb [%r6+14], 1
ldxb %r0, [%r6+23]
end: exit
