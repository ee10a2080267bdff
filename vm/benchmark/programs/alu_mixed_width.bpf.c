// bpftime-vm: benchmark: sign and zero extensions between 8, 16, 32 and 64 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t alu_mixed_width(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t sum = 0;
    int64_t balance = 0;
    uint32_t narrow = 1;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t w = words[i] + sum;
        balance += (int8_t)w;
        balance ^= (int64_t)(int16_t)(w >> 8) * 0x100000;
        balance -= (int32_t)(w >> 16);
        narrow = narrow * 5 + (uint16_t)w;
        sum = rotl64(sum, 9) + (uint64_t)(int64_t)(int32_t)narrow + (uint8_t)balance;
    }
    return mix(sum, (uint64_t)balance) + narrow;
}
