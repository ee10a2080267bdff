// bpftime-vm: benchmark: sequential 32-bit loads
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t load_words(void *mem, uint64_t len) {
    const mem_u32 *words = mem;
    uint64_t sum = 0;
    uint32_t parity = 0;
    for (uint64_t i = 0; i < len / 4; i++) {
        sum += words[i];
        parity ^= words[i] >> (i & 7);
    }
    return sum * 3 ^ parity;
}
