// bpftime-vm: benchmark: four functions that call each other in a chain, with memory as an argument
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_LOCAL uint64_t first(const mem_u64 *at, uint64_t state);
BENCH_LOCAL uint64_t second(const mem_u64 *at, uint64_t state);
BENCH_LOCAL uint64_t third(const mem_u64 *at, uint64_t state);
BENCH_LOCAL uint64_t fourth(uint64_t state, uint64_t word);

SEC("bench") uint64_t call_chain(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t state = 1;
    for (uint64_t i = 0; i + 4 <= len / 8; i += 4) {
        state += first(words + i, state);
    }
    return state;
}

uint64_t first(const mem_u64 *at, uint64_t state) { return second(at + 1, state ^ at[0]) + at[0]; }

uint64_t second(const mem_u64 *at, uint64_t state) { return third(at + 1, state + at[0]) ^ at[0]; }

uint64_t third(const mem_u64 *at, uint64_t state) {
    return fourth(rotl64(state, 9), at[0]) - fourth(at[1], state);
}

uint64_t fourth(uint64_t state, uint64_t word) { return state * 31 + (word ^ (state >> 9)); }
