# Words that step by -2^63 and by -1: how often the one goes into the other is no word.
        mov r3, 0
        mov r4, 0
    loop:
        lddw r5, 0x8000000000000000
        add r3, r5
        add r4, -1
        jeq r3, 5, out
        jne r2, r4, loop
    out:
        mov r0, 1
        exit
