// bpftime-vm: benchmark: a filter of sixteen taps over 16-bit samples
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: 16 taps, then samples (16 bits each, signed), then room for the result: half of what
/// follows the taps.
SEC("bench") uint64_t fir_filter(void *mem, uint64_t len) {
    const mem_s16 *taps = mem;
    const mem_s16 *samples = taps + 16;
    uint64_t count = (len - 32) / 4;
    mem_s16 *filtered = (mem_s16 *)mem + 16 + count;
    uint64_t result = 0;
    for (uint64_t i = 0; i + 16 <= count; i++) {
        int32_t sum = 0;
        for (uint64_t tap = 0; tap < 16; tap++) {
            sum += taps[tap] * samples[i + tap] >> 4;
        }
        filtered[i] = (int16_t)(sum >> 12);
        result = result * 3 + (uint16_t)filtered[i];
    }
    return result;
}
