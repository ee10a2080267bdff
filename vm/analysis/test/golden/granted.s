    call 3
    jeq %r0, 0, exit
    mov %r6, %r0
    stxdw [%r6+16], %r0
    mov %r1, 7
    call 8
    stxdw [%r6+8], %r0
    mov %r1, %r6
    call 4
    stxdw [%r6+8], %r0
    mov %r0, 0
    exit
