# blinding: on
add r1, 0x1badcafe
sub32 r2, 0x1badcafe
add r3, 100
mov r4, 0x1badcafe
mov32 r4, -0x1badcafe
lddw r5, 0x1badcafe2badcafe
lddw r5, 0x8badcafe
mul r3, 0x1badcafe
mul r3, 4096
div r3, 0x1badcafe
smod32 r3, 0x1badcafe
jgt r3, 0x1badcafe, +1
jset32 r3, 0x1badcafe, +0
stdw [r10-8], 0x1badcafe
stw [r10-8], 0x1badcafe
sth [r10-8], 0x1bad
stxdw [r10-16], r10
mov r0, 0
exit
