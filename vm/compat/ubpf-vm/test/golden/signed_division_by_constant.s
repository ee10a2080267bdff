sdiv r1, -1
sdiv r1, 8
smod r1, 8
sdiv r1, 10
smod32 r2, 7
sdiv32 r3, -5
exit
