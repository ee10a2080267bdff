ldabsw 12
ldindb r6, 3
exit
