# jump targets: 3 5
lddw r3, 0xebfc000000000003
gotox r3
mov r0, 1
exit
mov r0, 2
exit
