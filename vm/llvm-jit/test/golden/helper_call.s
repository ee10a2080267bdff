# bpftime-vm: helpers: untyped, constant, with memory to check, unwinding
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
mov %r6, %r1
call 1
mov %r1, %r0
call 2
mov %r1, %r6
mov %r2, 4
call 4
mov %r1, %r0
call 5
exit
