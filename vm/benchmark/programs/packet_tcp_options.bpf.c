// bpftime-vm: benchmark: reads the options of TCP headers: segment size, scale, timestamps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {count, 0}, then count pairs {offset, length}, all 32 bits; then the packets, all of
/// them Ethernet, IPv4 without options, TCP.
SEC("bench") uint64_t packet_tcp_options(void *mem, uint64_t len) {
    const mem_u32 *index = mem;
    uint64_t result = len;
    for (uint64_t i = 0; i < index[0]; i++) {
        const uint8_t *tcp = (const uint8_t *)mem + index[2 + 2 * i] + 34;
        uint64_t at = 20, end = (uint64_t)(tcp[12] >> 4) * 4;
        uint64_t segment = 536, scale = 0, stamp = 0, blocks = 0;
        while (at < end && tcp[at] != 0) {
            uint64_t size = tcp[at] == 1 ? 1 : tcp[at + 1];
            if (size == 0 || at + size > end) {
                break;
            }
            switch (tcp[at]) {
            case 2: segment = (uint64_t)tcp[at + 2] << 8 | tcp[at + 3]; break;
            case 3: scale = tcp[at + 2]; break;
            case 5: blocks = (size - 2) / 8; break;
            case 8:
                for (uint64_t byte = 2; byte < 6; byte++) {
                    stamp = stamp << 8 | tcp[at + byte];
                }
                break;
            default: break;
            }
            at += size;
        }
        result = mix(result, segment << 32 ^ scale << 24 ^ blocks << 20 ^ stamp);
    }
    return result;
}
