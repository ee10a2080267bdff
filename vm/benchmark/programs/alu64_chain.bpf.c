// bpftime-vm: benchmark: one long dependency chain of 64-bit ALU operations
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t alu64_chain(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t x = len;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t w = words[i];
        x += w;
        x ^= x >> 29;
        x *= 0xbf58476d1ce4e5b9ULL;
        x -= w << 7;
        x ^= (x & w) >> 3;
        x += x << 9;
        x = rotl64(x, 23);
        x ^= ~w | (x >> 40);
    }
    return x;
}
