# barriers: on
# jump targets: 8
# each check has one, but for what an earlier one has checked
ldxdw r3, [r1+8]
ldxb r4, [r1+15]
stxw [r2], r3
stdw [r10-8], 0
mov r5, r10
add r5, r4
ldxb r0, [r5-8]
gotox r3
exit
