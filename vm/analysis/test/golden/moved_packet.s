# packet: yes
    mov %r9, %r1
    ldxdw %r6, [%r9]
    ldxdw %r7, [%r9+8]
    mov %r2, %r6
    add %r2, 8
    jgt %r2, %r7, exit
    stdw [%r6], 0
    mov %r1, %r9
    mov %r2, 4
    call 6
    stdw [%r6], 0
    ldxdw %r6, [%r9]
    stdw [%r6], 0
    exit
