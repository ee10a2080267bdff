// bpftime-vm: benchmark: counts bytes in 64 buckets on the stack, then weighs the buckets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t histogram_stack(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint32_t buckets[64];
    for (uint32_t i = 0; i < 64; i++) {
        buckets[i] = i & 3;
    }
    for (uint64_t i = 0; i < len; i++) {
        buckets[bytes[i] >> 2]++;
    }
    uint64_t result = 0;
    for (uint32_t i = 0; i < 64; i++) {
        result = result * 31 + buckets[i];
    }
    return result;
}
