stb [r1], 1
sth [r1+2], -1
stdw [r1+8], 7
stxb [r1], r2
stxh [r1+2], r9
stxw [r1+4], r2
stxdw [r1+8], r1
mov r0, 0
exit
