// bpftime-vm: benchmark: clears a Bloom filter, inserts keys and tests others
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the filter (128 bytes), then 64-bit keys: the first half is inserted, all are tested.
BENCH_INLINE uint64_t bloom_hash(uint64_t key) {
    key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdULL;
    return key ^ (key >> 29);
}

SEC("bench") uint64_t bloom_filter(void *mem, uint64_t len) {
    mem_u32 *bits = mem;
    const mem_u64 *keys = (const mem_u64 *)mem + 16;
    uint64_t count = len / 8 - 16, positives = 0, result = 0;
    for (uint64_t i = 0; i < 32; i++) {
        bits[i] = (uint32_t)i << 24;
    }
    for (uint64_t i = 0; i < count / 2; i++) {
        uint64_t hash = bloom_hash(keys[i]);
        for (int probe = 0; probe < 4; probe++, hash >>= 13) {
            bits[hash >> 5 & 31] |= 1u << (hash & 31);
        }
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t hash = bloom_hash(keys[i]), hit = 1;
        for (int probe = 0; probe < 4; probe++, hash >>= 13) {
            hit &= bits[hash >> 5 & 31] >> (hash & 31);
        }
        positives += hit;
        result = result * 5 + hit;
    }
    return mix(result, positives);
}
