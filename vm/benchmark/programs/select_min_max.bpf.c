// bpftime-vm: benchmark: running minimum, maximum and clamp, signed and unsigned
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t select_min_max(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t low = ~0ULL, high = 0, clamped = 0;
    int64_t signed_low = (int64_t)(~0ULL >> 1), signed_high = -signed_low;
    for (uint64_t i = 0; i < len / 8; i++) {
        uint64_t w = words[i];
        int64_t s = (int64_t)w;
        low = w < low ? w : low;
        high = w > high ? w : high;
        signed_low = s < signed_low ? s : signed_low;
        signed_high = s > signed_high ? s : signed_high;
        uint64_t part = w >> 48;
        part = part < 1000 ? 1000 : part;
        clamped += part > 60000 ? 60000 : part;
    }
    uint64_t result = mix(mix(low, high), clamped);
    return mix(mix(result, (uint64_t)signed_low), (uint64_t)signed_high);
}
