# least size: 64
    mov %r0, 0
    mov %r3, 0
next:
    mov %r4, %r1
    add %r4, %r3
    ldxw %r5, [%r4]
    add %r0, %r5
    add %r3, 4
    jne %r3, 64, next
    exit
