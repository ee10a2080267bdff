// bpftime-vm: benchmark: MurmurHash3 of 32 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t hash_murmur3(void *mem, uint64_t len) {
    const mem_u32 *blocks = mem;
    uint32_t hash = 0x12345678u;
    for (uint64_t i = 0; i < len / 4; i++) {
        uint32_t k = blocks[i] * 0xcc9e2d51u;
        hash ^= rotl32(k, 15) * 0x1b873593u;
        hash = rotl32(hash, 13) * 5 + 0xe6546b64u;
    }
    hash ^= (uint32_t)len;
    hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
    hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
    return hash ^ (hash >> 16);
}
