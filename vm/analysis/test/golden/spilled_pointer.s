# least size: 16
    stxdw [%r10-8], %r1
    stxdw [%r10-16], %r2
    mov %r1, 5
    call 8
    ldxdw %r3, [%r10-8]
    ldxdw %r4, [%r3+8]
    ldxdw %r4, [%r3+9]
    ldxdw %r5, [%r10-16]
    jlt %r5, 17, exit
    ldxdw %r4, [%r3+9]
    ldxw %r3, [%r10-8]
    exit
