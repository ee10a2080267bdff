lddw r3, code_addr(f)
call r3
exit
f: mov r0, 7
exit
