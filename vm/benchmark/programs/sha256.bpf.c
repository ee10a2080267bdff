// bpftime-vm: benchmark: the compression function of SHA-256 over several blocks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the 64 round constants, then the blocks of 64 bytes.
SEC("bench") uint64_t sha256(void *mem, uint64_t len) {
    const mem_u32 *constants = mem;
    uint32_t hash[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                        0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
    for (uint64_t block = 256; block + 64 <= len; block += 64) {
        uint32_t schedule[16];
        uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
        uint32_t e = hash[4], f = hash[5], g = hash[6], h = hash[7];
        for (uint32_t round = 0; round < 64; round++) {
            uint32_t word;
            if (round < 16) {
                word = load_be32((const uint8_t *)mem + block + 4 * round);
            } else {
                uint32_t early = schedule[(round + 1) & 15], late = schedule[(round + 14) & 15];
                word = schedule[round & 15] + schedule[(round + 9) & 15];
                word += rotl32(early, 25) ^ rotl32(early, 14) ^ (early >> 3);
                word += rotl32(late, 15) ^ rotl32(late, 13) ^ (late >> 10);
            }
            schedule[round & 15] = word;
            uint32_t s1 = rotl32(e, 26) ^ rotl32(e, 21) ^ rotl32(e, 7);
            uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + constants[round] + word;
            uint32_t s0 = rotl32(a, 30) ^ rotl32(a, 19) ^ rotl32(a, 10);
            uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
        }
        hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d;
        hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
    }
    uint64_t result = (uint64_t)(hash[0] ^ hash[4]) << 32 | (hash[1] ^ hash[5]);
    return result ^ ((uint64_t)(hash[2] + hash[6]) << 32 | (hash[3] + hash[7]));
}
