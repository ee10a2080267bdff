// bpftime-vm: benchmark: 32-bit ALU operations: additions, shifts, rotations, multiplications
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t alu32_mix(void *mem, uint64_t len) {
    const mem_u32 *words = mem;
    uint32_t a = (uint32_t)len, b = 0x9e3779b9u, c = 0x85ebca6bu;
    for (uint64_t i = 0; i < len / 4; i++) {
        uint32_t w = words[i];
        a += w ^ (b >> 5);
        b = rotl32(b ^ a, w & 15);
        c -= (a & b) | (w << 3);
        a *= 0xcc9e2d51u;
        b ^= (uint32_t)((int32_t)c >> 7);
        c = rotl32(c, 11) + ~a;
    }
    return ((uint64_t)a << 32 | b) ^ c;
}
