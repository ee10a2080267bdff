mul r1, 3
mul r1, 8
mul32 r2, -5
mul r3, r4
mov r0, 0
exit
