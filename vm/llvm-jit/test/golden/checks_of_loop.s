# bpftime-vm: a loop whose memory is checked before it begins
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
# optimised: yes
mov %r0, 0
jeq %r2, 0, end
again: ldxb %r3, [%r1]
mul %r0, 31
xor %r0, %r3
jgt %r0, %r2, end
add %r1, 4
sub %r2, 1
jne %r2, 0, again
end: exit
