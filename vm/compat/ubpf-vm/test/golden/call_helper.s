mov r6, r1
call 1
mov r1, r0
call 3
call 2
add r0, r6
add r0, r1
exit
