div r1, r2
mod32 r0, r3
div r3, r0
sdiv r1, r2
smod32 r3, r3
exit
