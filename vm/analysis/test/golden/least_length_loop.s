# least size: 64
# That the length is at least so much must not hide what loops compare it with.
    mov %r3, 0
bytes:
    mov %r4, %r1
    add %r4, %r3
    ldxb %r5, [%r4]
    add %r3, 1
    jne %r3, %r2, bytes
    mov %r3, 0
far:
    mov %r4, %r1
    add %r4, %r3
    ldxb %r5, [%r4]
    add %r3, 67
    jlt %r3, %r2, far
    mov %r3, %r1
    add %r2, %r1
pointers:
    ldxb %r5, [%r3]
    add %r3, 1
    jne %r3, %r2, pointers
    exit
