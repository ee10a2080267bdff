// bpftime-vm: benchmark: FNV-1a of 64 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t hash_fnv1a(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (uint64_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    }
    return hash;
}
