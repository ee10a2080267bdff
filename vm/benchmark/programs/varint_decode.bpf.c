// bpftime-vm: benchmark: decodes variable-length integers of seven bits a byte, with zigzag signs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t varint_decode(void *mem, uint64_t len) {
    const uint8_t *bytes = mem;
    uint64_t result = 0, count = 0, at = 0;
    while (at < len) {
        uint64_t value = 0, shift = 0, byte;
        do {
            byte = bytes[at++];
            value |= (byte & 127) << shift;
            shift += 7;
        } while (byte >= 128 && shift < 64 && at < len);
        result = mix(result, (value >> 1) ^ (0 - (value & 1)));
        count++;
    }
    return mix(result, count);
}
