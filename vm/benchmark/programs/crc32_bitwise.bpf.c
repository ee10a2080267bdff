// bpftime-vm: benchmark: CRC-32 one bit at a time
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t crc32_bitwise(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint32_t crc = ~0u;
    for (uint64_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
        }
    }
    return ~crc;
}
