// bpftime-vm: benchmark: lengths of Collatz sequences
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t collatz(void *mem, uint64_t len) {
    const mem_u16 *starts = mem;
    uint64_t result = 0, peak = 0;
    for (uint64_t i = 0; i < len / 2; i++) {
        uint64_t n = starts[i] + 1ULL, steps = 0;
        while (n != 1) {
            n = (n & 1) != 0 ? 3 * n + 1 : n >> 1;
            peak = n > peak ? n : peak;
            steps++;
        }
        result = result * 31 + steps;
    }
    return mix(result, peak);
}
