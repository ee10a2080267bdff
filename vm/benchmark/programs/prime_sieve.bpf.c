// bpftime-vm: benchmark: sieve of Eratosthenes, one byte for each odd number
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t prime_sieve(void *mem, uint64_t len) {
    uint8_t *composite = mem;
    for (uint64_t i = 0; i < len / 8; i++) {
        ((mem_u64 *)mem)[i] = i == 0;
    }
    for (uint64_t i = 1; 2 * i * (i + 1) < len; i++) {
        if (composite[i] == 0) {
            for (uint64_t multiple = 2 * i * (i + 1); multiple < len; multiple += 2 * i + 1) {
                composite[multiple] = 1;
            }
        }
    }
    uint64_t primes = 1, last = 2;
    for (uint64_t i = 0; i < len; i++) {
        primes += composite[i] == 0;
        last = composite[i] == 0 ? 2 * i + 1 : last;
    }
    return primes << 32 | last;
}
