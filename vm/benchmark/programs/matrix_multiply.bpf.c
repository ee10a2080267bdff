// bpftime-vm: benchmark: product of two 16 by 16 matrices of 32-bit numbers
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: both factors, then the product, 1 KiB each.
SEC("bench") uint64_t matrix_multiply(void *mem, uint64_t len) {
    const mem_u32 *a = mem;
    const mem_u32 *b = a + 256;
    mem_u32 *product = (mem_u32 *)mem + 512;
    uint64_t result = len;
    for (uint64_t row = 0; row < 16; row++) {
        for (uint64_t column = 0; column < 16; column++) {
            uint32_t sum = 0;
            for (uint64_t k = 0; k < 16; k++) {
                sum += a[row * 16 + k] * b[k * 16 + column];
            }
            product[row * 16 + column] = sum;
            result = result * 3 + sum;
        }
    }
    return result;
}
