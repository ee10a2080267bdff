    mov %r0, 0
    jeq %r2, 0, exit
    and %r2, -8
    mov %r3, %r1
    add %r3, %r2
    jeq %r1, %r3, exit
next:
    ldxdw %r5, [%r1]
    add %r0, %r5
    add %r1, 8
    jne %r1, %r3, next
    exit
