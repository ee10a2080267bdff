// bpftime-vm: benchmark: copies records, word by word, then adds the copy up
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {record size in words, records}, then the records, and as much room again.
SEC("bench") uint64_t memory_copy(void *mem, uint64_t len) {
    const mem_u64 *header = mem;
    uint64_t size = header[0], records = header[1];
    const mem_u64 *from = header + 2;
    mem_u64 *to = (mem_u64 *)mem + 2 + size * records;
    for (uint64_t record = 0; record < records; record++, from += size, to += size) {
        for (uint64_t word = 0; word < size; word++) {
            to[word] = from[word];
        }
    }
    uint64_t result = len;
    for (const mem_u64 *at = to - size * records; at < to; at++) {
        result = result * 3 + *at;
    }
    return result;
}
