// bpftime-vm: benchmark: compares DNS names with a list, label by label, without regard to case
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {patterns, names}, 32 bits each; then names of up to 64 bytes in slots of 64: first the
/// patterns, then the names. A name is labels with a length byte in front, and an empty label.
BENCH_INLINE uint32_t lower(uint32_t c) { return (c - 'A') < 26 ? c + 32 : c; }

SEC("bench") uint64_t filter_dns_names(void *mem, uint64_t len) {
    const mem_u32 *header = mem;
    const uint8_t *patterns = (const uint8_t *)mem + 8;
    const uint8_t *name = patterns + 64 * (uint64_t)header[0];
    uint64_t result = len;
    for (uint64_t i = 0; i < header[1]; i++, name += 64) {
        uint64_t found = 255, compared = 0;
        for (uint64_t p = 0; p < header[0] && found == 255; p++) {
            const uint8_t *pattern = patterns + 64 * p;
            uint64_t at = 0;
            while (at < 64 && pattern[at] == name[at] && name[at] != 0) {
                uint64_t end = at + name[at] + 1;
                at++;
                while (at < end && lower(pattern[at]) == lower(name[at])) {
                    at++;
                }
                if (at < end) {
                    break;
                }
            }
            compared += at;
            found = pattern[at] == 0 && name[at] == 0 ? p : 255;
        }
        result = mix(result, found << 32 | compared);
    }
    return result;
}
