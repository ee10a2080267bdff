// bpftime-vm: benchmark: walks linked lists of records, adds up keys and counts, updates nothing
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: 32 list heads (32-bit record numbers, 0 ends a list), then 16-byte records
/// {next, key, weight, flags} numbered from 1.
SEC("bench") uint64_t list_walk(void *mem, uint64_t len) {
    const mem_u32 *heads = mem;
    const mem_u32 *records = heads + 32;
    uint64_t sum = len, length = 0;
    for (uint64_t list = 0; list < 32; list++) {
        for (uint32_t at = heads[list]; at != 0;) {
            const mem_u32 *record = records + 4 * (uint64_t)(at - 1);
            uint64_t value = (uint64_t)record[1] * record[2];
            sum = (record[3] & 1) != 0 ? sum ^ value : sum + value;
            length++;
            at = record[0];
        }
        sum = rotl64(sum, 1);
    }
    return mix(sum, length);
}
