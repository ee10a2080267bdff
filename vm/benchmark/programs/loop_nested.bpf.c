// bpftime-vm: benchmark: three nested loops over three small vectors
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t loop_nested(void *mem, uint64_t len) {
    const mem_u32 *a = mem;
    const mem_u32 *b = a + 24;
    const mem_u32 *c = b + 24;
    uint64_t sum = len;
    for (uint64_t i = 0; i < 24; i++) {
        for (uint64_t j = 0; j < 24; j++) {
            for (uint64_t k = 0; k < 16; k++) {
                sum += (a[i] ^ b[j]) * c[k] + j;
            }
            sum ^= i << 40;
        }
    }
    return sum;
}
