// bpftime-vm: benchmark: sorts four words at a time in registers by compare and exchange
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_INLINE void exchange(uint64_t *a, uint64_t *b) {
    uint64_t low = *a < *b ? *a : *b;
    uint64_t high = *a < *b ? *b : *a;
    *a = low;
    *b = high;
}

SEC("bench") uint64_t select_network(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t result = 0;
    for (uint64_t i = 0; i + 4 <= len / 8; i += 4) {
        uint64_t a = words[i], b = words[i + 1], c = words[i + 2], d = words[i + 3];
        exchange(&a, &b);
        exchange(&c, &d);
        exchange(&a, &c);
        exchange(&b, &d);
        exchange(&b, &c);
        result = rotl64(result, 7) + (a ^ rotl64(b, 8) ^ rotl64(c, 16) ^ rotl64(d, 24));
    }
    return result;
}
