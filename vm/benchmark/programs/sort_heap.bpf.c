// bpftime-vm: benchmark: heap sort of 64-bit words in memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the words, and as much room again for the sorted copy.
SEC("bench") uint64_t sort_heap(void *mem, uint64_t len) {
    uint64_t count = len / 16;
    const mem_u64 *words = mem;
    mem_u64 *heap = (mem_u64 *)mem + count;
    for (uint64_t i = 0; i < count; i++) {
        heap[i] = words[i] ^ 0x5a;
    }
    uint64_t start = count / 2, end = count;
    while (end > 1) {
        if (start > 0) {
            start--;
        } else {
            end--;
            uint64_t largest = heap[0];
            heap[0] = heap[end];
            heap[end] = largest;
        }
        uint64_t parent = start, value = heap[start];
        for (uint64_t child = 2 * parent + 1; child < end; child = 2 * parent + 1) {
            child += child + 1 < end && heap[child + 1] > heap[child];
            if (heap[child] <= value) {
                break;
            }
            heap[parent] = heap[child];
            parent = child;
        }
        heap[parent] = value;
    }
    uint64_t result = 0;
    for (uint64_t i = 0; i < count; i++) {
        result = rotl64(result, 1) ^ heap[i] * (2 * i + 1);
    }
    return result;
}
