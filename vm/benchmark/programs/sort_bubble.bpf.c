// bpftime-vm: benchmark: bubble sort of 32-bit words in memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the words, and as much room again for the sorted copy.
SEC("bench") uint64_t sort_bubble(void *mem, uint64_t len) {
    uint64_t count = len / 8;
    const mem_u32 *words = mem;
    mem_u32 *sorted = (mem_u32 *)mem + count;
    for (uint64_t i = 0; i < count; i++) {
        sorted[i] = words[i] ^ 0x80u;
    }
    uint64_t swaps = 0;
    for (uint64_t end = count; end > 1; end--) {
        uint64_t swapped = 0;
        for (uint64_t i = 1; i < end; i++) {
            uint32_t low = sorted[i - 1], high = sorted[i];
            if (low > high) {
                sorted[i - 1] = high;
                sorted[i] = low;
                swapped++;
            }
        }
        swaps += swapped;
        if (swapped == 0) {
            break;
        }
    }
    uint64_t result = swaps;
    for (uint64_t i = 0; i < count; i++) {
        result = result * 31 + sorted[i];
    }
    return result;
}
