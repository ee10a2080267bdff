// bpftime-vm: benchmark: the receive-side scaling hash, one bit of the input at a time
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: a 40-byte key, then 12-byte tuples {source, destination, ports}, all in network order.
SEC("bench") uint64_t toeplitz(void *mem, uint64_t len) {
    const uint8_t *key = mem;
    const uint8_t *tuple = key + 40;
    uint64_t result = 0;
    for (uint64_t at = 40; at + 12 <= len; at += 12, tuple += 12) {
        uint32_t hash = 0;
        for (uint64_t word = 0; word < 3; word++) {
            uint32_t input = load_be32(tuple + 4 * word);
            uint32_t window = load_be32(key + 4 * word);
            uint32_t following = load_be32(key + 4 * word + 4);
            for (int bit = 0; bit < 32; bit++) {
                hash ^= (int32_t)input < 0 ? window : 0;
                input <<= 1;
                window = window << 1 | following >> 31;
                following <<= 1;
            }
        }
        result = rotl64(result, 7) ^ hash;
    }
    return result;
}
