// bpftime-vm: benchmark: signed division and remainder by variables, 64 and 32 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t div_signed(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t wide = 0, narrow = 0;
    for (uint64_t i = 0; i + 1 < len / 8; i++) {
        // Half of the range at most, so that no dividend is the smallest number.
        int64_t dividend = (int64_t)(words[i] ^ wide) >> 1;
        int64_t divisor = ((int64_t)words[i + 1] >> (words[i] & 47)) | 1;
        wide += (uint64_t)signed_div64(dividend, divisor);
        wide ^= (uint64_t)signed_mod64(dividend, divisor) << 1;
        narrow += (uint64_t)(int64_t)signed_div32((int32_t)dividend >> 1, (int32_t)divisor | 1);
    }
    return mix(wide, narrow);
}
