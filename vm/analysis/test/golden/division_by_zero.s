# states: yes
    mov %r3, 7
    mov %r4, %r2
    and %r4, 3
    div %r3, %r4
    mov %r5, 100
    mod %r5, %r4
    jgt %r3, 7, dead
    jgt %r5, 100, dead
    exit
dead:
    ldxdw %r0, [%r1]
    exit
