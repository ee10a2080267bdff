# constants in the shortest form, moves
mov r0, 0
mov r1, 1
mov r2, -1
mov32 r3, -1
lddw r4, 0x12345678
lddw r5, 0x123456789abcdef0
mov r6, r5
mov32 r6, r5
movsx832 r3, r4
movsx3264 r3, r4
exit
