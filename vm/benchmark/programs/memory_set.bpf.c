// bpftime-vm: benchmark: fills blocks with a 64-bit pattern that changes from block to block
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t memory_set(void *mem, uint64_t len) {
    mem_u64 *words = mem;
    uint64_t pattern = words[0] | 1;
    for (uint64_t block = 1; block + 32 < len / 8; block += 32) {
        for (uint64_t i = 0; i < 32; i++) {
            words[block + i] = pattern;
        }
        pattern = pattern * 0x2545f4914f6cdd1dULL + block;
    }
    uint64_t result = 0;
    for (uint64_t i = 1; i < len / 8; i += 16) {
        result = rotl64(result, 11) ^ words[i];
    }
    return mix(result, pattern);
}
