# nobody learns where the frame is; only what is read before it is written is zeroed
stxdw [r10-8], r1
ldxdw r0, [r10-8]
ldxw r3, [r10-16]
exit
