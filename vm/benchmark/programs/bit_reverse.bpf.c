// bpftime-vm: benchmark: reverses the bits of words by swapping ever larger groups
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t bit_reverse(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t result = 0;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t w = words[i];
        w = (w >> 1 & 0x5555555555555555ULL) | (w & 0x5555555555555555ULL) << 1;
        w = (w >> 2 & 0x3333333333333333ULL) | (w & 0x3333333333333333ULL) << 2;
        w = (w >> 4 & 0x0f0f0f0f0f0f0f0fULL) | (w & 0x0f0f0f0f0f0f0f0fULL) << 4;
        w = (w >> 8 & 0x00ff00ff00ff00ffULL) | (w & 0x00ff00ff00ff00ffULL) << 8;
        w = (w >> 16 & 0x0000ffff0000ffffULL) | (w & 0x0000ffff0000ffffULL) << 16;
        w = w >> 32 | w << 32;
        result = rotl64(result, 1) + w;
    }
    return result;
}
