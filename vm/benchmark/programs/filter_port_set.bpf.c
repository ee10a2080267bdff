// bpftime-vm: benchmark: looks 16-bit ports up in a bitmap of 65,536 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the bitmap (8 KiB), then 16-bit ports.
SEC("bench") uint64_t filter_port_set(void *mem, uint64_t len) {
    const mem_u64 *bitmap = mem;
    const mem_u16 *ports = mem;
    uint64_t hits = 0, result = 0;
    for (uint64_t i = 4096; i < len / 2; i++) {
        uint64_t port = ports[i];
        if ((bitmap[port >> 6] >> (port & 63) & 1) != 0) {
            hits++;
            result = result * 3 + port;
        }
    }
    return mix(result, hits);
}
