jeq r1, 5, +4
jeq r2, r3, +3
jne r4, 1000, +2
jne32 r5, -7, +1
mov r0, 1
exit
