// bpftime-vm: benchmark: population count that clears the lowest bit until none is left
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t popcount_loop(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t total = 0;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t weight = 0;
        for (uint64_t w = words[i]; w != 0; w &= w - 1) {
            weight += 1 + (w >> 62);
        }
        total = total * 3 + weight;
    }
    return total;
}
