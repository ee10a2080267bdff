// bpftime-vm: benchmark: more than 2,000 instructions, a branch every few of them, four times over
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

#define STEP(a, b, n)                       \
    if (((a >> (n & 31)) & 3) == (n & 3)) { \
        a = rotl64(a, 3) + words[n & 63];   \
        b ^= a >> 5;                        \
    } else {                                \
        b += a * (2 * n + 1);               \
        a ^= words[(n * 7) & 63] >> 1;      \
    }
#define STEPS_8(n)      \
    STEP(a, b, (n + 0)) \
    STEP(b, c, (n + 1)) \
    STEP(c, d, (n + 2)) \
    STEP(d, a, (n + 3)) \
    STEP(a, c, (n + 4)) \
    STEP(c, b, (n + 5)) \
    STEP(b, d, (n + 6)) \
    STEP(d, a, (n + 7))
#define STEPS_64(n) \
    STEPS_8(n)      \
    STEPS_8(n + 8)  \
    STEPS_8(n + 16) \
    STEPS_8(n + 24) \
    STEPS_8(n + 32) \
    STEPS_8(n + 40) \
    STEPS_8(n + 48) \
    STEPS_8(n + 56)

SEC("bench") uint64_t big_branchy(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t a = words[0], b = words[1], c = words[2], d = len;
    for (int round = 0; round < 4; round++) {
        STEPS_64(1)
        STEPS_64(65)
        STEPS_64(129)
    }
    return mix(mix(a, b), mix(c, d));
}
