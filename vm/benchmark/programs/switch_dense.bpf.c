// bpftime-vm: benchmark: interprets bytes as sixteen small operations through a dense switch
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t switch_dense(void *mem, uint64_t len) {
    const uint8_t *code = mem;
    uint64_t a = 1, b = len;
    for (uint64_t i = 0; i < len; i++) {
        uint64_t operand = code[i] >> 4;
        switch (code[i] & 15) {
        case 0: a += operand; break;
        case 1: a ^= b; break;
        case 2: b += a << 1; break;
        case 3: a = rotl64(a, operand); break;
        case 4: b -= operand; break;
        case 5: a *= 2 * operand + 1; break;
        case 6: b ^= b >> 7; break;
        case 7: a = ~a; break;
        case 8: b |= operand << 8; break;
        case 9: a &= ~operand; break;
        case 10: a -= b; break;
        case 11: b = rotl64(b, 1) + a; break;
        case 12: a ^= a << 13; break;
        case 13: b *= 3; break;
        case 14: a = a > b ? a - b : b - a; break;
        default: b = a + i; break;
        }
    }
    return mix(a, b);
}
