# checks: off
mov r3, r1
add r3, r2
ldxb r3, [r3+4]
mov r4, r1
add r4, 16
ldxdw r4, [r4-8]
add r3, r1
ldxw r3, [r3]
add r2, r4
ldxh r3, [r2]
mov r0, r2
exit
