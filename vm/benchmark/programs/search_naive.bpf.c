// bpftime-vm: benchmark: counts and places all occurrences of short needles in a text, byte by byte
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: four needles in slots of 16 bytes {length, bytes}, then the text.
SEC("bench") uint64_t search_naive(void *mem, uint64_t len) {
    const uint8_t *text = (const uint8_t *)mem + 64;
    uint64_t size = len - 64, result = 0;
    for (uint64_t n = 0; n < 4; n++) {
        const uint8_t *needle = (const uint8_t *)mem + 16 * n;
        uint64_t needle_size = needle[0];
        for (uint64_t at = 0; at + needle_size <= size; at++) {
            uint64_t same = 0;
            while (same < needle_size && text[at + same] == needle[1 + same]) {
                same++;
            }
            if (same == needle_size) {
                result = mix(result, at + n);
            }
        }
    }
    return result;
}
