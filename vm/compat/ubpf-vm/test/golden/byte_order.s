be16 r1
be32 r2
be64 r8
le16 r3
le32 r9
le64 r4
swap16 r5
swap64 r0
exit
