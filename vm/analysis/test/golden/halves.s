# Two arrays of one length, one behind the other, in the input memory.
    mov %r0, 0
    jlt %r2, 16, exit
    rsh %r2, 4
    mov %r5, %r2
    lsh %r5, 3
    mov %r4, %r1
    add %r4, %r5
    ldxdw %r6, [%r4]
    mov %r3, 0
copy:
    mov %r6, %r3
    lsh %r6, 3
    mov %r7, %r1
    add %r7, %r6
    ldxdw %r8, [%r7]
    mov %r9, %r4
    add %r9, %r6
    stxdw [%r9], %r8
    add %r3, 1
    jlt %r3, %r2, copy
    exit
