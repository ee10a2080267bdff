// bpftime-vm: benchmark: lower bounds of keys in a sorted array
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: 1,024 sorted 32-bit words, then keys.
SEC("bench") uint64_t binary_search(void *mem, uint64_t len) {
    const mem_u32 *sorted = mem;
    const mem_u32 *keys = sorted + 1024;
    uint64_t result = 0;
    for (uint64_t i = 0; i < len / 4 - 1024; i++) {
        uint64_t low = 0, high = 1024;
        while (low < high) {
            uint64_t middle = (low + high) / 2;
            if (sorted[middle] < keys[i]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        result = result * 1025 + low;
    }
    return result;
}
