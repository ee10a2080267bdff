    mov %r3, 0
    ldxdw %r4, [%r3+8]
    ldxdw %r4, [%r10+8]
    ldxdw %r4, [%r10-4]
    ldxdw %r4, [%r10-72]
    exit
