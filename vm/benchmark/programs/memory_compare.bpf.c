// bpftime-vm: benchmark: compares each 64-byte record with the next one, up to the difference
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t memory_compare(void *mem, uint64_t len) {
    const uint8_t *record = mem;
    uint64_t result = 0;
    for (uint64_t at = 0; at + 128 <= len; at += 64, record += 64) {
        uint64_t same = 0;
        while (same < 64 && record[same] == record[64 + same]) {
            same++;
        }
        int64_t order = same == 64 ? 0 : (int64_t)record[same] - record[64 + same];
        result = result * 65 + same + (uint64_t)order;
    }
    return result;
}
