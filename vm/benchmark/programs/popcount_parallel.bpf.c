// bpftime-vm: benchmark: population count of 64-bit words by masks and one multiplication
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_INLINE uint64_t popcount(uint64_t value) {
    value -= (value >> 1) & 0x5555555555555555ULL;
    value = (value & 0x3333333333333333ULL) + ((value >> 2) & 0x3333333333333333ULL);
    value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
    return (value * 0x0101010101010101ULL) >> 56;
}

SEC("bench") uint64_t popcount_parallel(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t total = 0, even = 0;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t count = popcount(words[i]);
        total += count;
        even += ~count & 1;
    }
    return total << 32 | even;
}
