jeq r1, 0, +1
jgt r1, r2, +5
jslt r3, -1, +4
jset32 r4, 0x100, +3
jne32 r5, 1000, +2
jle r6, r7, +1
mov r0, 1
exit
