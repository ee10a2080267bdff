// bpftime-vm: benchmark: searches each 64-byte row for its first byte and leaves at the hit
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t loop_early_exit(void *mem, uint64_t len) {
    const uint8_t *rows = mem;
    uint64_t result = 0, misses = 0;
    for (uint64_t row = 0; row + 64 <= len; row += 64) {
        uint8_t wanted = rows[row] & 31;
        uint64_t column = 1;
        for (; column < 64; column++) {
            if ((rows[row + column] & 31) == wanted) {
                break;
            }
        }
        misses += column == 64;
        result = result * 67 + column;
    }
    return mix(result, misses);
}
