// bpftime-vm: benchmark: Jenkins' one-at-a-time hash
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t hash_one_at_a_time(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint32_t hash = 0;
    for (uint64_t i = 0; i < len; i++) {
        hash += bytes[i];
        hash += hash << 10;
        hash ^= hash >> 6;
    }
    hash += hash << 3;
    hash ^= hash >> 11;
    return hash + (hash << 15);
}
