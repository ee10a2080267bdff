mov r0, 0
add r0, 1
may_goto +1
ja -3
exit
