// bpftime-vm: benchmark: exponentially weighted averages and deviations in fixed point
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t moving_average(void *mem, uint64_t len) {
    const mem_u32 *samples = mem;
    int64_t average = 0, deviation = 0;
    uint64_t outliers = 0, result = 0;
    for (uint64_t i = 0; i < len / 4; i++) {
        int64_t sample = (int64_t)(samples[i] & 0xfffff) << 10;
        int64_t error = sample - average;
        average += error >> 3;
        int64_t distance = error < 0 ? -error : error;
        deviation += (distance - deviation) >> 2;
        if (distance > 2 * deviation) {
            outliers++;
        }
        result = rotl64(result, 1) ^ (uint64_t)(average + 4 * deviation);
    }
    return mix(result, outliers);
}
