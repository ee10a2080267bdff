// bpftime-vm: benchmark: Boyer-Moore-Horspool search of short needles in a text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the shift table (256 bytes, built here), four needles in slots of 16 bytes
/// {length, bytes}, then the text.
SEC("bench") uint64_t search_horspool(void *mem, uint64_t len) {
    uint8_t *shift = mem;
    const uint8_t *text = (const uint8_t *)mem + 320;
    uint64_t size = len - 320, result = 0;
    for (uint64_t n = 0; n < 4; n++) {
        const uint8_t *needle = (const uint8_t *)mem + 256 + 16 * n;
        uint64_t last = needle[0] - 1u;
        uint64_t eight = 0x0101010101010101ULL * (last + 1);
        for (uint64_t i = 0; i < 32; i++) {
            ((mem_u64 *)mem)[i] = eight;
        }
        for (uint64_t i = 0; i < last; i++) {
            shift[needle[1 + i]] = (uint8_t)(last - i);
        }
        for (uint64_t at = 0; at + last < size; at += shift[text[at + last]]) {
            uint64_t same = last + 1;
            while (same > 0 && text[at + same - 1] == needle[same]) {
                same--;
            }
            if (same == 0) {
                result = mix(result, at + n);
            }
        }
    }
    return result;
}
