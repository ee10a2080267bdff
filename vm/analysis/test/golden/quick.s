# effort: quick
    jlt %r2, 8, exit
    ldxdw %r3, [%r1]
    mov %r4, 0
next:
    ldxdw %r3, [%r1]
    add %r4, 1
    jlt %r4, 8, next
    stxdw [%r10-8], %r4
    exit
