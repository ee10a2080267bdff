// bpftime-vm: benchmark: products of 256-bit numbers in 32-bit limbs, the product on the stack
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t bigint_multiply(void *mem, uint64_t len) {
    const mem_u32 *limbs = mem;
    uint64_t result = 0;
    for (uint64_t at = 0; at + 16 <= len / 4; at += 8) {
        uint32_t product[16] = {0};
        for (uint32_t i = 0; i < 8; i++) {
            uint64_t carry = 0;
            for (uint32_t j = 0; j < 8; j++) {
                carry += (uint64_t)limbs[at + i] * limbs[at + 8 + j] + product[i + j];
                product[i + j] = (uint32_t)carry;
                carry >>= 32;
            }
            product[i + 8] = (uint32_t)carry;
        }
        for (uint32_t i = 0; i < 16; i++) {
            result = rotl64(result, 5) + product[i];
        }
    }
    return result;
}
