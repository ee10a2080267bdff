    mov %r1, %r10
    add %r1, -16
    mov %r2, 16
    call 2
    mov %r1, %r10
    add %r1, -16
    mov %r2, 17
    call 2
    lddw %r1, map_val(map_by_idx(1)) + 8
    stdw [%r1+16], 1
    stdw [%r1+24], 1
    mov %r2, 24
    call 7
    mov %r0, 0
    exit
