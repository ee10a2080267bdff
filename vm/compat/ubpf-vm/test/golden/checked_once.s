# the second load is of memory that the first has checked
ldxdw r3, [r1+8]
ldxb r4, [r1+15]
add r1, 8
ldxw r0, [r1+4]
exit
