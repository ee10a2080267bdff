# least size: 16
    mov %r3, 1
    stdw [%r10-8], 0
    lock fetch add [%r10-8], %r3
    lock fetch add [%r10-12], %r3
    lock xchg32 [%r1+4], %r3
    mov %r0, 0
    lock cmpxchg [%r1+8], %r3
    ldxdw %r4, [%r10-8]
    exit
