# blinding: on
# checks: off
mov r6, 1
ldabsw 0x1badcafe
ldindb r6, 0x1badcafe
exit
