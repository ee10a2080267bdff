// bpftime-vm: benchmark: hexadecimal text of bytes by arithmetic
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the input, then room for twice as much.
BENCH_INLINE uint8_t hex_digit(uint32_t value) {
    return (uint8_t)(value + (value < 10 ? '0' : 'a' - 10));
}

SEC("bench") uint64_t encode_hex(void *mem, uint64_t len) {
    const uint8_t *from = mem;
    uint64_t size = len / 3;
    uint8_t *to = (uint8_t *)mem + size;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < size; i++) {
        to[2 * i] = hex_digit(from[i] >> 4);
        to[2 * i + 1] = hex_digit(from[i] & 15);
        sum += (uint64_t)to[2 * i] * (i + 1) + to[2 * i + 1];
    }
    return sum;
}
