// bpftime-vm: benchmark: division and remainder by constants
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t div_const(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t w = words[i] ^ sum;
        uint32_t h = (uint32_t)w;
        sum += w / 10 + w % 1000;
        sum ^= w / 7 + h / 3;
        sum += h % 60 + h / 86400;
        sum ^= (w % 1000003) << 17;
    }
    return sum;
}
