// bpftime-vm: benchmark: xxHash of 64 bits over whole 32-byte stripes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

enum : uint64_t {
    prime1 = 0x9e3779b185ebca87ULL,
    prime2 = 0xc2b2ae3d27d4eb4fULL,
    prime3 = 0x165667b19e3779f9ULL,
    prime4 = 0x85ebca77c2b2ae63ULL,
};

BENCH_INLINE uint64_t xxh_round(uint64_t lane, uint64_t input) {
    return rotl64(lane + input * prime2, 31) * prime1;
}

SEC("bench") uint64_t hash_xxh64(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t a = prime1 + prime2, b = prime2, c = 0, d = 0 - prime1;
    for (uint64_t i = 0; i + 4 <= len / 8; i += 4) {
        a = xxh_round(a, words[i]);
        b = xxh_round(b, words[i + 1]);
        c = xxh_round(c, words[i + 2]);
        d = xxh_round(d, words[i + 3]);
    }
    uint64_t hash = rotl64(a, 1) + rotl64(b, 7) + rotl64(c, 12) + rotl64(d, 18);
    hash = (hash ^ xxh_round(0, a)) * prime1 + prime4;
    hash = (hash ^ xxh_round(0, b)) * prime1 + prime4;
    hash = (hash ^ xxh_round(0, c)) * prime1 + prime4;
    hash = (hash ^ xxh_round(0, d)) * prime1 + prime4;
    hash += len;
    hash = (hash ^ (hash >> 33)) * prime2;
    hash = (hash ^ (hash >> 29)) * prime3;
    return hash ^ (hash >> 32);
}
