// bpftime-vm: benchmark: SipHash-2-4 with the key in front of the message
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_INLINE void sip_round(uint64_t *v0, uint64_t *v1, uint64_t *v2, uint64_t *v3) {
    *v0 += *v1, *v1 = rotl64(*v1, 13) ^ *v0, *v0 = rotl64(*v0, 32);
    *v2 += *v3, *v3 = rotl64(*v3, 16) ^ *v2;
    *v0 += *v3, *v3 = rotl64(*v3, 21) ^ *v0;
    *v2 += *v1, *v1 = rotl64(*v1, 17) ^ *v2, *v2 = rotl64(*v2, 32);
}

SEC("bench") uint64_t hash_siphash(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t v0 = words[0] ^ 0x736f6d6570736575ULL;
    uint64_t v1 = words[1] ^ 0x646f72616e646f6dULL;
    uint64_t v2 = words[0] ^ 0x6c7967656e657261ULL;
    uint64_t v3 = words[1] ^ 0x7465646279746573ULL;
    for (uint64_t i = 2; i < len / 8; i++) {
        v3 ^= words[i];
        sip_round(&v0, &v1, &v2, &v3);
        sip_round(&v0, &v1, &v2, &v3);
        v0 ^= words[i];
    }
    v3 ^= (len - 16) << 56;
    sip_round(&v0, &v1, &v2, &v3);
    sip_round(&v0, &v1, &v2, &v3);
    v0 ^= (len - 16) << 56;
    v2 ^= 0xff;
    sip_round(&v0, &v1, &v2, &v3);
    sip_round(&v0, &v1, &v2, &v3);
    sip_round(&v0, &v1, &v2, &v3);
    sip_round(&v0, &v1, &v2, &v3);
    return v0 ^ v1 ^ v2 ^ v3;
}
