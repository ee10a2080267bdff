    mov %r0, 0
    jeq %r2, 0, exit
    mov %r3, 0
next:
    mov %r4, %r1
    add %r4, %r3
    ldxb %r5, [%r4]
    ldxb %r5, [%r4+1]
    add %r0, %r5
    add %r3, 1
    jlt %r3, %r2, next
    exit
