add r1, -1
jeq r1, 0, end
sub32 r1, r2
jne32 r1, 0, end
and r1, 3
jeq32 r1, 0, end
xor r2, 1
jeq r1, 0, end
or r2, 1
jsgt r2, 0, end
add r1, r2
ja over
over: jne r1, 0, end
add r2, 7
end: jeq r2, 0, more
mov r0, 1
more: exit
