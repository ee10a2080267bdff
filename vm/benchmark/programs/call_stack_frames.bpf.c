// bpftime-vm: benchmark: functions that each keep an array in their own stack frame
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_LOCAL uint64_t outer(const mem_u64 *at, uint64_t seed);
BENCH_LOCAL uint64_t inner(const mem_u64 *at, uint64_t seed);

SEC("bench") uint64_t call_stack_frames(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t result = 0;
    for (uint64_t i = 0; i + 16 <= len / 8; i += 16) {
        result = rotl64(result, 1) + outer(words + i, result);
    }
    return result;
}

uint64_t outer(const mem_u64 *at, uint64_t seed) {
    uint64_t local[16];
    for (uint32_t i = 0; i < 16; i++) {
        local[i] = at[i] + seed;
    }
    uint64_t sum = inner(at, seed ^ local[3]);
    for (uint32_t i = 0; i < 16; i++) {
        sum = sum * 3 + local[(i + (sum >> 60)) & 15];
    }
    return sum;
}

uint64_t inner(const mem_u64 *at, uint64_t seed) {
    uint64_t local[16];
    for (uint32_t i = 0; i < 16; i++) {
        local[(i * 5) & 15] = at[i] ^ seed;
    }
    for (uint32_t i = 0; i < 16; i++) {
        seed = local[seed & 15] + rotl64(seed, 5);
    }
    return seed;
}
