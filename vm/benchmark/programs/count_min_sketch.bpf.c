// bpftime-vm: benchmark: clears a count-min sketch, counts keys and estimates them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: four rows of 128 32-bit counters, then 32-bit keys.
SEC("bench") uint64_t count_min_sketch(void *mem, uint64_t len) {
    mem_u32 *counters = mem;
    const mem_u32 *keys = counters + 512;
    uint64_t count = len / 4 - 512, result = 0;
    for (uint64_t i = 0; i < 512; i++) {
        counters[i] = (uint32_t)i & 3;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint32_t hash = keys[i] * 0x85ebca6bu;
        for (uint64_t row = 0; row < 4; row++) {
            counters[row * 128 + (hash >> 25)]++;
            hash *= 0xc2b2ae35u;
        }
    }
    for (uint64_t i = 0; i < count; i++) {
        uint32_t hash = keys[i] * 0x85ebca6bu, estimate = ~0u;
        for (uint64_t row = 0; row < 4; row++) {
            uint32_t counter = counters[row * 128 + (hash >> 25)];
            estimate = counter < estimate ? counter : estimate;
            hash *= 0xc2b2ae35u;
        }
        result = result * 7 + estimate;
    }
    return result;
}
