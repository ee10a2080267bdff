# the frame's address is in a register
mov r1, r10
add r1, -16
stdw [r1], 7
add r1, r2
ldxb r0, [r1]
exit
