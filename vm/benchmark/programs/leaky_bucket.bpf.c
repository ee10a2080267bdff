// bpftime-vm: benchmark: polices packets of several flows with leaky buckets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: 16 buckets {time, level} of 64 bits each, then packets {time step | flow << 16 |
/// size << 32}, one 64-bit word each. The buckets are emptied first.
SEC("bench") uint64_t leaky_bucket(void *mem, uint64_t len) {
    mem_u64 *buckets = mem;
    const mem_u64 *packets = buckets + 32;
    for (uint64_t i = 0; i < 32; i++) {
        buckets[i] = i & 1 ? i : 0;
    }
    uint64_t now = 0, passed = 0, bytes = 0;
    for (uint64_t i = 0; i < len / 8 - 32; i++) {
        uint64_t packet = packets[i], size = packet >> 32 & 0x7ff;
        mem_u64 *bucket = buckets + 2 * (packet >> 16 & 15);
        now += packet & 255;
        uint64_t leaked = (now - bucket[0]) >> 2;
        uint64_t level = bucket[1] > leaked ? bucket[1] - leaked : 0;
        if (level + size <= 8000) {
            level += size;
            passed++;
            bytes = bytes * 3 + size;
        }
        bucket[0] = now;
        bucket[1] = level;
    }
    return mix(bytes, passed);
}
