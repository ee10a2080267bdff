// bpftime-vm: benchmark: reads signed decimal numbers from text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t parse_decimal(void *mem, uint64_t len) {
    const uint8_t *text = mem;
    uint64_t numbers = 0, result = 0, at = 0;
    while (at < len) {
        uint64_t negative = text[at] == '-';
        uint64_t value = 0, digits = 0;
        for (at += negative; at < len && text[at] - '0' < 10u; at++, digits++) {
            value = value * 10 + (text[at] - '0');
        }
        if (digits != 0) {
            numbers++;
            result = mix(result, negative != 0 ? 0 - value : value);
        }
        at += digits == 0 && negative == 0;
    }
    return mix(result, numbers);
}
