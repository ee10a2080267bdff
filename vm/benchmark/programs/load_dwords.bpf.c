// bpftime-vm: benchmark: sequential 64-bit loads
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t load_dwords(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t sum = 0, parity = 0, either = 0;
    for (uint64_t i = 0; i < len / 8; i++) {
        sum += words[i];
        parity ^= words[i] << (i & 3);
        either |= words[i] & i;
    }
    return mix(mix(sum, parity), either);
}
