// bpftime-vm: benchmark: polynomial hash modulo a prime: one 64-bit remainder for each byte
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t mod_polynomial(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint64_t hash = 7, other = 11;
    for (uint64_t i = 0; i < len; i++) {
        hash = (hash * 257 + bytes[i]) % 1000000007;
        other = (other * (hash | 1) + bytes[i]) % 998244353;
    }
    return hash << 32 | other;
}
