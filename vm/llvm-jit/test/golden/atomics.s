# bpftime-vm: atomics: aligned by proof on the frame, by a check elsewhere
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
mov %r0, 1
lock add [%r10-8], %r0
lock fetch or32 [%r1+4], %r0
lock cmpxchg [%r1+8], %r2
load_acquire16 %r2, [%r1]
store_release8 [%r1], %r2
exit
