// bpftime-vm: benchmark: integer logarithms and square roots
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_INLINE uint64_t log2_of(uint64_t value) {
    uint64_t log = 0;
    for (uint64_t step = 32; step != 0; step >>= 1) {
        if (value >> step != 0) {
            log += step;
            value >>= step;
        }
    }
    return log;
}

BENCH_INLINE uint64_t sqrt_of(uint64_t value) {
    uint64_t root = 0;
    for (uint64_t bit = 1ULL << 30; bit != 0; bit >>= 2) {
        uint64_t trial = root + bit;
        root >>= 1;
        if (value >= trial) {
            value -= trial;
            root += bit;
        }
    }
    return root;
}

SEC("bench") uint64_t integer_log_sqrt(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t result = 0;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t w = words[i] >> (i & 63);
        result = result * 67 + log2_of(w | 1);
        result ^= sqrt_of(w & 0xffffffff) << 20;
    }
    return result;
}
