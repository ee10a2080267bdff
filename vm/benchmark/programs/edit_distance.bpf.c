// bpftime-vm: benchmark: edit distances of short words with one row of the table on the stack
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: words of 32 bytes; each is compared with the next.
SEC("bench") uint64_t edit_distance(void *mem, uint64_t len) {
    const uint8_t *words = mem;
    uint64_t result = 0;
    for (uint64_t at = 0; at + 64 <= len; at += 32) {
        const uint8_t *from = words + at;
        const uint8_t *to = from + 32;
        uint32_t row[33];
        for (uint32_t i = 0; i <= 32; i++) {
            row[i] = i;
        }
        for (uint32_t i = 0; i < 32; i++) {
            uint32_t diagonal = row[0];
            row[0] = i + 1;
            for (uint32_t j = 0; j < 32; j++) {
                uint32_t best = diagonal + (from[i] != to[j]);
                diagonal = row[j + 1];
                best = diagonal + 1 < best ? diagonal + 1 : best;
                best = row[j] + 1 < best ? row[j] + 1 : best;
                row[j + 1] = best;
            }
        }
        result = result * 33 + row[32];
    }
    return result;
}
