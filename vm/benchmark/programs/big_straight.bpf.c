// bpftime-vm: benchmark: a straight body of more than 2,000 instructions, four times over
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

#define STEP(a, b, c, n)                  \
    a += b ^ (0x1e3779b9u + 0x1003f * n); \
    c = rotl64(c, n & 31) - a;            \
    b = (b << 1) + (c >> 9)
#define STEPS_8(n)          \
    STEP(a, b, c, (n + 0)); \
    STEP(d, e, f, (n + 1)); \
    STEP(b, c, d, (n + 2)); \
    STEP(e, f, a, (n + 3)); \
    STEP(c, d, e, (n + 4)); \
    STEP(f, a, b, (n + 5)); \
    STEP(a, d, f, (n + 6)); \
    STEP(b, e, c, (n + 7))
#define STEPS_64(n)  \
    STEPS_8(n);      \
    STEPS_8(n + 8);  \
    STEPS_8(n + 16); \
    STEPS_8(n + 24); \
    STEPS_8(n + 32); \
    STEPS_8(n + 40); \
    STEPS_8(n + 48); \
    STEPS_8(n + 56)

SEC("bench") uint64_t big_straight(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t a = words[0], b = words[1], c = words[2], d = words[3], e = words[4], f = len;
    for (int round = 0; round < 4; round++) {
        STEPS_64(1);
        STEPS_64(65);
        STEPS_64(129);
        STEPS_64(193);
    }
    return mix(mix(mix(a, b), mix(c, d)), mix(e, f));
}
