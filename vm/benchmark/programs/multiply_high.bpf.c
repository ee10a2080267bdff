// bpftime-vm: benchmark: 128-bit products from 32-bit halves
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_INLINE uint64_t high_product(uint64_t a, uint64_t b) {
    uint64_t low = (a & 0xffffffff) * (b & 0xffffffff);
    uint64_t cross = (a >> 32) * (b & 0xffffffff) + (low >> 32);
    uint64_t other = (a & 0xffffffff) * (b >> 32) + (cross & 0xffffffff);
    return (a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32);
}

SEC("bench") uint64_t multiply_high(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t state = len;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t mixed = state ^ words[i];
        state = high_product(mixed, 0xa0761d6478bd642fULL) ^ (mixed * 0xa0761d6478bd642fULL);
    }
    return state;
}
