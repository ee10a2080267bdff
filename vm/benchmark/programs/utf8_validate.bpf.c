// bpftime-vm: benchmark: validates UTF-8 and counts code points by length
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t utf8_validate(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint64_t at = 0, sum = 0, errors = 0, points = 0;
    while (at < len) {
        uint32_t c = bytes[at++];
        uint32_t more = c < 0x80   ? 0
                        : c < 0xc2 ? 4
                        : c < 0xe0 ? 1
                        : c < 0xf0 ? 2
                        : c < 0xf5 ? 3
                                   : 4;
        if (more == 4 || at + more > len) {
            errors++;
            continue;
        }
        uint32_t least = more < 2 ? 0 : more == 2 ? 0x800 : 0x10000;
        uint32_t point = more == 0 ? c : c & (63u >> more);
        uint64_t next = at;
        for (uint32_t i = 0; i < more; i++) {
            uint32_t tail = bytes[next];
            if ((tail & 0xc0) != 0x80) {
                point = 0xffffffffu;
                break;
            }
            point = point << 6 | (tail & 63);
            next++;
        }
        if (point > 0x10ffff || point < least || point - 0xd800 < 0x800) {
            errors++;
            continue;
        }
        at = next;
        points += 1ULL << (more * 16);
        sum = sum * 31 + point;
    }
    return mix(mix(sum, points), errors);
}
