# checks: off
lock add [r1], r2
lock or32 [r1+8], r3
lock fetch add [r1], r2
lock fetch xor32 [r1], r0
lock fetch and [r0], r6
lock xchg [r1], r3
lock cmpxchg32 [r1], r4
load_acquire16 r3, [r1]
store_release64 [r1], r3
exit
