// bpftime-vm: benchmark: base64 of whole groups of three bytes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the alphabet (64 bytes), the input, then room for four thirds of it.
SEC("bench") uint64_t encode_base64(void *mem, uint64_t len) {
    const uint8_t *alphabet = mem;
    uint64_t groups = (len - 64) / 7;
    const uint8_t *from = alphabet + 64;
    uint8_t *to = (uint8_t *)mem + 64 + groups * 3;
    uint64_t result = 0;
    for (uint64_t i = 0; i < groups; i++, from += 3, to += 4) {
        uint32_t bits = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        to[0] = alphabet[bits >> 18];
        to[1] = alphabet[bits >> 12 & 63];
        to[2] = alphabet[bits >> 6 & 63];
        to[3] = alphabet[bits & 63];
        result = result * 31 + to[0] + ((uint64_t)to[1] << 8) + ((uint64_t)(to[2] ^ to[3]) << 16);
    }
    return result;
}
