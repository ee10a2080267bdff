// bpftime-vm: benchmark: loads at strides that cross cache lines, then wraps around
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t load_strided(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint64_t sum = 0;
    for (uint64_t start = 0; start < 4; start++) {
        for (uint64_t at = start * 8; at + 8 <= len; at += 136) {
            sum += *(const mem_u64 *)(bytes + at);
            sum ^= (uint64_t)bytes[at + 3] << start;
        }
        for (uint64_t at = start; at < len; at += 67) {
            sum = sum * 3 + bytes[at];
        }
    }
    return sum;
}
