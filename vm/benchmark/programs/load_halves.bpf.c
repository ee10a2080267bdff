// bpftime-vm: benchmark: sequential 16-bit loads
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t load_halves(void *mem, uint64_t len) {
    const mem_u16 *halves = mem;
    uint64_t sum = 0, parity = 0;
    for (uint64_t i = 0; i < len / 2; i++) {
        sum += halves[i];
        parity ^= halves[i] * i;
    }
    return sum << 32 ^ parity;
}
