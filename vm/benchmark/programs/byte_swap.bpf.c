// bpftime-vm: benchmark: byte swaps of 16, 32 and 64 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t byte_swap(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t result = 0;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t w = words[i] + result;
        result ^= __builtin_bswap64(w);
        result += __builtin_bswap32((uint32_t)(w >> 16));
        result ^= (uint64_t)__builtin_bswap16((uint16_t)(w >> 5)) << 24;
    }
    return result;
}
