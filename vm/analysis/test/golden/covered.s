    ldxdw %r3, [%r1]
    mov %r4, %r3
    stxdw [%r10-8], %r3
    ldxw %r0, [%r3+4]
    ldxw %r0, [%r4+4]
    ldxb %r0, [%r4+6]
    stxw [%r4+4], %r0
    stxw [%r3+4], %r0
    ldxdw %r5, [%r10-8]
    ldxw %r0, [%r5+4]
    call 5
    ldxw %r0, [%r5+4]
    exit
