outer: mov r3, 8
inner: ldxb r4, [r1]
jeq r4, 7, outer
add r3, -1
jeq r3, 0, outer
ja inner
exit
