lsh r1, 3
rsh32 r2, 31
arsh r3, 63
lsh32 r4, 32
lsh r1, r2
rsh32 r3, r4
arsh r4, r1
exit
