// bpftime-vm: benchmark: sequential sign-extending loads of 8, 16 and 32 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t load_signed(void *mem, uint64_t len) {
    const mem_s8 *bytes = mem;
    const mem_s16 *halves = mem;
    const mem_s32 *words = mem;
    int64_t low = 0, sum = 0;
    for (uint64_t i = 0; i < len / 4; i++) {
        sum += bytes[i];
        sum += (int64_t)halves[i] * 3;
        sum -= words[i];
        low = sum < low ? sum : low;
    }
    return mix((uint64_t)sum, (uint64_t)low);
}
