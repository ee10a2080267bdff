// bpftime-vm: benchmark: expands literals and back references of a small compression format
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {bytes of input, bytes of output}, 32 bits each; the input at byte 8; the output at the
/// next multiple of 8. A byte below 128 announces that many plus one literals, another one a copy
/// of 3 to 130 bytes from a distance that follows in two bytes, low byte first.
SEC("bench") uint64_t lz_decode(void *mem, uint64_t len) {
    const mem_u32 *header = mem;
    const uint8_t *from = (const uint8_t *)mem + 8;
    const uint8_t *end = from + header[0];
    uint8_t *to = (uint8_t *)mem + ((8 + (uint64_t)header[0] + 7) & ~7ULL);
    uint64_t produced = 0, capacity = header[1];
    while (from < end) {
        uint64_t token = *from++;
        if (token < 128) {
            for (uint64_t i = 0; i <= token && produced < capacity; i++) {
                to[produced++] = *from++;
            }
        } else {
            uint64_t distance = from[0] | (uint64_t)from[1] << 8;
            from += 2;
            for (uint64_t i = 0; i < token - 125 && produced < capacity; i++, produced++) {
                to[produced] = to[produced - distance];
            }
        }
    }
    uint64_t hash = len;
    for (uint64_t i = 0; i < produced; i++) {
        hash = (hash ^ to[i]) * 0x100000001b3ULL;
    }
    return hash;
}
