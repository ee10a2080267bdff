// bpftime-vm: benchmark: a linear congruential generator that picks bytes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t random_lcg(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint64_t state = *(const mem_u64 *)mem, sum = 0;
    for (uint64_t i = 0; i < 1024; i++) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        sum = sum * 3 + bytes[(state >> 40) & (len - 1)];
    }
    return state ^ sum;
}
