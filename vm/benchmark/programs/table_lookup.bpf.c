// bpftime-vm: benchmark: looks keys up in an open-addressed hash table
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: 512 slots {key, value} of 32 bits each, key 0 is empty; then 32-bit keys.
SEC("bench") uint64_t table_lookup(void *mem, uint64_t len) {
    const mem_u32 *slots = mem;
    const mem_u32 *keys = slots + 1024;
    uint64_t hits = 0, sum = 0;
    for (uint64_t i = 0; i < len / 4 - 1024; i++) {
        uint32_t key = keys[i];
        uint64_t slot = (key * 0x9e3779b1u) >> 23;
        while (slots[2 * slot] != key && slots[2 * slot] != 0) {
            slot = (slot + 1) & 511;
        }
        if (slots[2 * slot] == key) {
            hits++;
            sum = sum * 3 + slots[2 * slot + 1];
        } else {
            sum ^= slot;
        }
    }
    return mix(sum, hits);
}
