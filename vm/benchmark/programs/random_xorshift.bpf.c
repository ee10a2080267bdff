// bpftime-vm: benchmark: two xorshift generators, one of 64 and one of 128 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t random_xorshift(void *mem, uint64_t len) {
    const mem_u64 *seeds = mem;
    uint64_t x = seeds[0] | 1, s0 = seeds[1] | 1, s1 = seeds[2], sum = len;
    for (uint64_t i = 0; i < 512; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        uint64_t t = s0;
        s0 = s1;
        t ^= t << 23;
        s1 = t ^ s0 ^ (t >> 18) ^ (s0 >> 5);
        sum = rotl64(sum, 7) + (x ^ (s0 + s1));
    }
    return sum;
}
