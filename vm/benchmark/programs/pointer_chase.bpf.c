// bpftime-vm: benchmark: follows 64-bit indices through one long cycle
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: each 64-bit word is the index of the next word.
SEC("bench") uint64_t pointer_chase(void *mem, uint64_t len) {
    const mem_u64 *next = mem;
    uint64_t at = 0, sum = 0;
    for (uint64_t i = 0; i < len / 8; i++) {
        at = next[at];
        sum = sum * 5 + at;
    }
    return sum;
}
