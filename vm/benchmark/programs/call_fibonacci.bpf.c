// bpftime-vm: benchmark: recursion that is never deeper than eight frames, the entry included
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_LOCAL uint64_t fibonacci(uint64_t n);

SEC("bench") uint64_t call_fibonacci(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint64_t result = 0;
    for (uint64_t i = 0; i < len; i++) {
        result = result * 3 + fibonacci(bytes[i] & 7);
    }
    return result;
}

uint64_t fibonacci(uint64_t n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
