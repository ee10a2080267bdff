// bpftime-vm: benchmark: Jenkins' lookup3 over 12-byte keys
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t hash_lookup3(void *mem, uint64_t len) {
    const mem_u32 *words = mem;
    uint64_t result = 0;
    for (uint64_t i = 0; i + 3 <= len / 4; i += 3) {
        uint32_t a = words[i] + 0xdeadbefbu;
        uint32_t b = words[i + 1] + 0xdeadbefbu;
        uint32_t c = words[i + 2] + 0xdeadbefbu;
        a = (a - c) ^ rotl32(c, 4), c += b;
        b = (b - a) ^ rotl32(a, 6), a += c;
        c = (c - b) ^ rotl32(b, 8), b += a;
        a = (a - c) ^ rotl32(c, 16), c += b;
        b = (b - a) ^ rotl32(a, 19), a += c;
        c = (c - b) ^ rotl32(b, 4), b += a;
        c = (c ^ b) - rotl32(b, 14);
        a = (a ^ c) - rotl32(c, 11);
        b = (b ^ a) - rotl32(a, 25);
        c = (c ^ b) - rotl32(b, 16);
        result = rotl64(result, 9) ^ c;
    }
    return result;
}
