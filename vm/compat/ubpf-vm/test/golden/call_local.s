mov r6, 1
mov r1, 2
call local f
add r0, r6
exit
f: mov r7, r1
mov r0, r7
add r0, r8
exit
