// bpftime-vm: benchmark: local calls with five arguments and values that live across them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_LOCAL uint64_t blend(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

SEC("bench") uint64_t call_arguments(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t a = 1, b = 2, c = 3, d = 4;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t old = a;
        a = blend(a, b, c, d, words[i]);
        b = blend(d, c, b, old, i);
        c ^= old + b;
        d = rotl64(d, 3) + a;
    }
    return mix(mix(a, b), mix(c, d));
}

uint64_t blend(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
    return (a & b) + (c ^ d) * 5 + rotl64(e, a & 63);
}
