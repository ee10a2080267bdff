# Both step, and only the counter is compared.
    mov %r0, 0
    jlt %r2, 4, exit
    rsh %r2, 2
    mov %r3, 0
next:
    ldxw %r5, [%r1]
    add %r0, %r5
    add %r1, 4
    add %r3, 1
    jlt %r3, %r2, next
    exit
