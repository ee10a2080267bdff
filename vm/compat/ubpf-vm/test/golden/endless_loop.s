add r0, 1
ja -2
