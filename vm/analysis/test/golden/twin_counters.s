# r3 and r4 are the same where the loop begins, and r6, which is compared, is r4 + 144.
    mov %r0, 0
    jlt %r2, 8, exit
    mov %r4, 0
    mov %r3, 0
next:
    mov %r5, %r1
    add %r5, %r4
    ldxdw %r5, [%r5]
    add %r0, %r5
    add %r3, 136
    mov %r6, %r4
    add %r6, 144
    mov %r4, %r3
    jle %r6, %r2, next
    exit
