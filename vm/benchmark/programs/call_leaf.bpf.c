// bpftime-vm: benchmark: one local call for each word
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

BENCH_LOCAL uint64_t leaf(uint64_t state, uint64_t word);

SEC("bench") uint64_t call_leaf(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t state = len;
    for (uint64_t i = 0; i < len / 8; i++) {
        state = leaf(state, words[i]);
    }
    return state;
}

uint64_t leaf(uint64_t state, uint64_t word) {
    return (state ^ word) * 0x9e3779b97f4a7c15ULL + (word >> 7);
}
