# jump targets: 1 3 6
mov r0, 0
add r0, 1
ldxdw r3, [r1]
add r0, 2
gotox r3
mov r0, 1
exit
