    stxdw [%r10-8], %r1
    mov %r3, %r10
    stxdw [%r1], %r3
    ldxdw %r4, [%r10-8]
    mov %r4, %r2
    add %r4, %r1
    stdw [%r4], 1
    ldxdw %r5, [%r10-8]
    ldxb %r0, [%r5]
    exit
