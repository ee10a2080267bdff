// bpftime-vm: benchmark: Fletcher-32 over 16-bit words with conditional subtraction
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t fletcher32(void *mem, uint64_t len) {
    const mem_u16 *halves = mem;
    uint32_t a = 0, b = 0;
    for (uint64_t i = 0; i < len / 2; i++) {
        a += halves[i];
        a -= a >= 65535 ? 65535 : 0;
        b += a;
        b -= b >= 65535 ? 65535 : 0;
    }
    return b << 16 | a;
}
