add r0, 1
add r1, r2
add32 r1, 1000
sub r3, 200
sub32 r3, r4
and r5, 255
or r6, r7
xor32 r8, r9
neg r0
neg32 r9
exit
