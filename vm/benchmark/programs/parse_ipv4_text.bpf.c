// bpftime-vm: benchmark: reads dotted addresses from text lines and refuses malformed ones
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t parse_ipv4_text(void *mem, uint64_t len) {
    const uint8_t *text = mem;
    uint64_t result = 0, good = 0, bad = 0, at = 0;
    while (at < len) {
        uint32_t address = 0, part = 0, digits = 0, dots = 0, valid = 1;
        for (; at < len && text[at] != '\n'; at++) {
            uint32_t c = text[at];
            if (c - '0' < 10u) {
                part = part * 10 + (c - '0');
                digits++;
                valid &= digits <= 3 && part <= 255;
            } else if (c == '.') {
                valid &= digits != 0;
                address = address << 8 | (part & 255);
                part = digits = 0;
                dots++;
            } else {
                valid = 0;
            }
        }
        at++;
        if (valid != 0 && digits != 0 && dots == 3) {
            good++;
            result = mix(result, address << 8 | part);
        } else {
            bad++;
        }
    }
    return mix(result, good << 32 | bad);
}
