// bpftime-vm: benchmark: quick sort of 32-bit words in memory with the pending ranges on the stack
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the words, and as much room again for the sorted copy.
SEC("bench") uint64_t sort_quick(void *mem, uint64_t len) {
    uint64_t count = len / 8;
    const mem_u32 *words = mem;
    mem_u32 *sorted = (mem_u32 *)mem + count;
    for (uint64_t i = 0; i < count; i++) {
        sorted[i] = words[i] ^ 0x33;
    }
    uint32_t pending[32];
    uint32_t depth = 0;
    uint32_t low = 0, high = (uint32_t)count - 1;
    for (;;) {
        if (low >= high) {
            if (depth == 0) {
                break;
            }
            depth--;
            low = pending[depth & 31] >> 16;
            high = pending[depth & 31] & 0xffff;
            continue;
        }
        uint32_t pivot = sorted[low + (high - low) / 2];
        uint32_t left = low, right = high;
        for (;;) {
            while (sorted[left] < pivot) {
                left++;
            }
            while (sorted[right] > pivot) {
                right--;
            }
            if (left >= right) {
                break;
            }
            uint32_t word = sorted[left];
            sorted[left++] = sorted[right];
            sorted[right--] = word;
        }
        // The larger part waits, so that the stack holds at most log2(count) ranges.
        if (right - low > high - right) {
            pending[depth & 31] = low << 16 | right;
            low = right + 1;
        } else {
            pending[depth & 31] = (right + 1) << 16 | high;
            high = right;
        }
        depth++;
    }
    uint64_t result = 0;
    for (uint64_t i = 0; i < count; i++) {
        result = result * 31 + sorted[i];
    }
    return result;
}
