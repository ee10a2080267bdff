// bpftime-vm: benchmark: four independent 64-bit ALU chains that a wide machine can overlap
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t alu64_parallel(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t a = len, b = ~len, c = len * 3, d = len << 32;
    for (uint64_t i = 0; i + 4 <= len / 8; i += 4) {
        a = (a ^ words[i]) + (a << 7);
        b = (b + words[i + 1]) ^ (b >> 11);
        c = (c - words[i + 2]) * 0x2545f4914f6cdd1dULL;
        d = rotl64(d, 13) ^ words[i + 3];
    }
    return mix(mix(mix(a, b), c), d);
}
