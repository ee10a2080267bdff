// bpftime-vm: benchmark: walks chains of IPv6 extension headers to the transport header
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {count, 0}, then count pairs {offset, length}, all 32 bits; then the packets.
SEC("bench") uint64_t packet_ipv6_extensions(void *mem, uint64_t len) {
    const mem_u32 *index = mem;
    uint64_t result = len, fragments = 0;
    for (uint64_t i = 0; i < index[0]; i++) {
        const uint8_t *packet = (const uint8_t *)mem + index[2 + 2 * i];
        uint64_t size = index[3 + 2 * i], at = 14 + 40;
        if (size < at || load_be16(packet + 12) != 0x86dd) {
            continue;
        }
        uint32_t next = packet[14 + 6];
        for (int depth = 0; depth < 6 && at + 8 <= size; depth++) {
            if (next == 44) {
                fragments += (load_be16(packet + at + 2) & 0xfff8) != 0;
                next = packet[at];
                at += 8;
            } else if (next == 0 || next == 43 || next == 60) {
                next = packet[at];
                at += ((uint64_t)packet[at + 1] + 1) * 8;
            } else if (next == 51) {
                next = packet[at];
                at += ((uint64_t)packet[at + 1] + 2) * 4;
            } else {
                break;
            }
        }
        uint64_t ports = at + 4 <= size ? load_be32(packet + at) : 0;
        result = mix(result, ports << 16 | (uint64_t)next << 8 | (at & 255));
    }
    return mix(result, fragments);
}
