# least size: 8
    stdw [%r10-8], 1
    mov %r3, %r10
    sub %r3, %r1
    add %r3, -8
    add %r3, %r1
    stdw [%r3], 2
    ldxdw %r4, [%r10-8]
    jeq %r4, 1, exit
    mov %r0, 1
    exit
