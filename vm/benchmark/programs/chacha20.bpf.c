// bpftime-vm: benchmark: key stream blocks of ChaCha20: sixteen live words, twenty rounds
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

#define QUARTER(a, b, c, d)        \
    a += b, d = rotl32(d ^ a, 16); \
    c += d, b = rotl32(b ^ c, 12); \
    a += b, d = rotl32(d ^ a, 8);  \
    c += d, b = rotl32(b ^ c, 7)

/// Memory: key (32 bytes), nonce (12 bytes), then the message to encrypt, in blocks of 64 bytes
/// from byte 64 on, and as much room again for the result.
SEC("bench") uint64_t chacha20(void *mem, uint64_t len) {
    const mem_u32 *key = mem;
    uint64_t blocks = (len - 64) / 128;
    const mem_u32 *from = key + 16;
    mem_u32 *to = (mem_u32 *)mem + 16 + blocks * 16;
    uint64_t result = 0;
    for (uint64_t block = 0; block < blocks; block++, from += 16, to += 16) {
        uint32_t x0 = 0x61707865u, x1 = 0x3320646eu, x2 = 0x79622d32u, x3 = 0x6b206574u;
        uint32_t x4 = key[0], x5 = key[1], x6 = key[2], x7 = key[3];
        uint32_t x8 = key[4], x9 = key[5], x10 = key[6], x11 = key[7];
        uint32_t x12 = (uint32_t)block, x13 = key[8], x14 = key[9], x15 = key[10];
        for (int round = 0; round < 10; round++) {
            QUARTER(x0, x4, x8, x12);
            QUARTER(x1, x5, x9, x13);
            QUARTER(x2, x6, x10, x14);
            QUARTER(x3, x7, x11, x15);
            QUARTER(x0, x5, x10, x15);
            QUARTER(x1, x6, x11, x12);
            QUARTER(x2, x7, x8, x13);
            QUARTER(x3, x4, x9, x14);
        }
        to[0] = from[0] ^ (x0 + 0x61707865u), to[1] = from[1] ^ (x1 + 0x3320646eu);
        to[2] = from[2] ^ (x2 + 0x79622d32u), to[3] = from[3] ^ (x3 + 0x6b206574u);
        to[4] = from[4] ^ (x4 + key[0]), to[5] = from[5] ^ (x5 + key[1]);
        to[6] = from[6] ^ (x6 + key[2]), to[7] = from[7] ^ (x7 + key[3]);
        to[8] = from[8] ^ (x8 + key[4]), to[9] = from[9] ^ (x9 + key[5]);
        to[10] = from[10] ^ (x10 + key[6]), to[11] = from[11] ^ (x11 + key[7]);
        to[12] = from[12] ^ (x12 + (uint32_t)block), to[13] = from[13] ^ (x13 + key[8]);
        to[14] = from[14] ^ (x14 + key[9]), to[15] = from[15] ^ (x15 + key[10]);
        for (uint64_t word = 0; word < 16; word++) {
            result = result * 31 + to[word];
        }
    }
    return result;
}
