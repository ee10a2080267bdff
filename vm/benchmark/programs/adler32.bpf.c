// bpftime-vm: benchmark: Adler-32 with the remainder taken once for each 256 bytes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t adler32(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint32_t a = 1, b = 0;
    for (uint64_t start = 0; start + 256 <= len; start += 256) {
        for (uint64_t i = start; i < start + 256; i++) {
            a += bytes[i];
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    return b << 16 | a;
}
