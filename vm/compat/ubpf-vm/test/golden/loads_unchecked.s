# checks: off
ldxb r0, [r1]
ldxh r3, [r1+2]
ldxw r4, [r1+4]
ldxdw r5, [r1+200]
ldxsb r6, [r1]
ldxsw r7, [r1+4]
exit
