// bpftime-vm: benchmark: atomic additions to counters of 64 and 32 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: 16 64-bit counters, 16 32-bit counters (both are reset first), then bytes to count.
SEC("bench") uint64_t atomic_counters(void *mem, uint64_t len) {
    mem_u64 *wide = mem;
    mem_u32 *narrow = (mem_u32 *)mem + 32;
    const uint8_t *bytes = mem;
    for (uint64_t i = 0; i < 16; i++) {
        wide[i] = i;
        narrow[i] = (uint32_t)i;
    }
    for (uint64_t i = 192; i < len; i++) {
        __sync_fetch_and_add(wide + (bytes[i] & 15), bytes[i]);
        __sync_fetch_and_add(narrow + (bytes[i] >> 4), 1u);
    }
    uint64_t result = 0;
    for (uint64_t i = 0; i < 16; i++) {
        result = result * 31 + wide[i] + ((uint64_t)narrow[i] << 32);
    }
    return result;
}
