    mov %r6, %r1
    mov %r7, %r2
    jlt %r2, 8, exit
    stdw [%r10-8], 7
    stdw [%r10-16], 9
    mov %r2, %r10
    add %r2, -8
    call local sum
    ldxdw %r3, [%r10-8]
    ldxdw %r4, [%r10-16]
    jeq %r4, 9, exit
    mov %r0, 0
    exit
sum:
    ldxdw %r0, [%r1]
    and %r0, 7
    stxdw [%r2], %r0
    exit
