// bpftime-vm: benchmark: one counted loop with a recurrence
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t loop_simple(void *mem, uint64_t len) {
    const mem_u32 *words = mem;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < len / 4; i++) {
        sum += (words[i] ^ i) + (sum >> 3);
    }
    return sum;
}
