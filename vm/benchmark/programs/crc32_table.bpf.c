// bpftime-vm: benchmark: CRC-32 one byte at a time
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: the table of 256 32-bit entries, then the message.
SEC("bench") uint64_t crc32_table(void *mem, uint64_t len) {
    const mem_u32 *table = mem;
    const uint8_t *bytes = mem;
    uint32_t crc = ~0u;
    for (uint64_t i = 1024; i < len; i++) {
        crc = table[(crc ^ bytes[i]) & 255] ^ (crc >> 8);
    }
    return ~crc;
}
