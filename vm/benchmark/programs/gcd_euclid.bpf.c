// bpftime-vm: benchmark: greatest common divisors by remainders and by shifts
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_INLINE uint64_t by_remainder(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

BENCH_INLINE uint64_t by_shift(uint64_t a, uint64_t b) {
    while (a != b) {
        if (a > b) {
            a -= b;
            a >>= (a & 1) == 0;
        } else {
            b -= a;
            b >>= (b & 1) == 0;
        }
    }
    return a;
}

SEC("bench") uint64_t gcd_euclid(void *mem, uint64_t len) {
    const mem_u32 *words = mem;
    uint64_t result = 0;
    for (uint64_t i = 0; i + 2 <= len / 4; i += 2) {
        uint64_t a = words[i], b = words[i + 1];
        result = result * 31 + by_remainder(a * 6, b * 6);
        result ^= by_shift((a & 0xfff) | 1, (b & 0xfff) | 1) << 8;
    }
    return result;
}
