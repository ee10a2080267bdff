    lddw %r1, map_by_idx(0)
    mov %r2, %r10
    add %r2, -4
    stw [%r10-4], 0
    call 1
    ldxw %r3, [%r0]
    jeq %r0, 0, exit
    ldxw %r3, [%r0+12]
    stxdw [%r0+8], %r3
    ldxw %r3, [%r0+13]
    exit
