// bpftime-vm: benchmark: insertion sort of 32 words on the stack, block after block
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t sort_insertion_stack(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t result = 0;
    for (uint64_t block = 0; block + 32 <= len / 8; block += 32) {
        uint64_t sorted[32];
        for (uint32_t i = 0; i < 32; i++) {
            uint64_t key = words[block + i];
            uint32_t at = i;
            while (at > 0 && sorted[(at - 1) & 31] > key) {
                sorted[at & 31] = sorted[(at - 1) & 31];
                at--;
            }
            sorted[at & 31] = key;
        }
        for (uint32_t i = 0; i < 32; i++) {
            result = rotl64(result, 3) + sorted[i] * (i + 1);
        }
    }
    return result;
}
