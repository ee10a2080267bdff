// bpftime-vm: benchmark: unsigned division and remainder by variables, 64 and 32 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t div_unsigned(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t wide = 0;
    uint32_t narrow = 0;
    for (uint64_t i = 0; i + 1 < len / 8; i++) {
        uint64_t dividend = words[i] ^ wide;
        uint64_t divisor = (words[i + 1] >> (words[i] & 47)) | 1;
        wide = rotl64(wide, 3) + dividend / divisor + dividend % divisor;
        narrow += (uint32_t)dividend / ((uint32_t)divisor | 1);
        narrow ^= (uint32_t)wide % ((uint32_t)(divisor >> 7) | 1);
    }
    return wide ^ narrow;
}
