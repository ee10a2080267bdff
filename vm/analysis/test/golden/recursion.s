    mov %r1, 5
    call local down
    exit
down:
    mov %r0, 0
    jeq %r1, 0, done
    add %r1, -1
    call local down
    add %r0, 1
done:
    exit
