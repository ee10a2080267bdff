// bpftime-vm: benchmark: sequential byte loads
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t load_bytes(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint64_t sum = 0, parity = 0;
    for (uint64_t i = 0; i < len; i++) {
        sum += bytes[i];
        parity ^= bytes[i] + i;
    }
    return sum << 32 | parity;
}
