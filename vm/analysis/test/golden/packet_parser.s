# packet: yes
# states: yes
    ldxdw %r6, [%r1]
    ldxdw %r7, [%r1+8]
    mov %r2, %r6
    add %r2, 14
    jgt %r2, %r7, exit
    ldxh %r3, [%r6+12]
    ldxb %r4, [%r6+14]
    and %r4, 15
    lsh %r4, 2
    add %r2, %r4
    mov %r5, %r2
    add %r5, 8
    jgt %r5, %r7, exit
    ldxw %r0, [%r2+4]
    ldxw %r0, [%r2+5]
    exit
