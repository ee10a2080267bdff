// bpftime-vm: benchmark: parses Ethernet, IPv4 and TCP headers and hashes the flow
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {count, 0}, then count pairs {offset, length}, all 32 bits; then the packets.
SEC("bench") uint64_t packet_ipv4_tcp(void *mem, uint64_t len) {
    const mem_u32 *index = mem;
    uint64_t result = len, passed = 0;
    for (uint64_t i = 0; i < index[0]; i++) {
        const uint8_t *packet = (const uint8_t *)mem + index[2 + 2 * i];
        uint64_t size = index[3 + 2 * i];
        if (size < 14 + 20 || load_be16(packet + 12) != 0x0800) {
            continue;
        }
        const uint8_t *ip = packet + 14;
        uint64_t header = (uint64_t)(ip[0] & 15) * 4;
        if (ip[0] >> 4 != 4 || header < 20 || size < 14 + header + 20 || ip[9] != 6) {
            continue;
        }
        if ((load_be16(ip + 6) & 0x3fff) != 0) {
            continue;
        }
        const uint8_t *tcp = ip + header;
        uint64_t data = (uint64_t)(tcp[12] >> 4) * 4;
        uint64_t payload = load_be16(ip + 2) - header - data;
        uint64_t flow = (uint64_t)load_be32(ip + 12) << 32 | load_be32(ip + 16);
        flow ^= (uint64_t)load_be16(tcp) << 16 | load_be16(tcp + 2);
        if ((tcp[13] & 2) != 0 && (tcp[13] & 16) == 0) {
            flow += load_be32(tcp + 4);
        }
        passed++;
        result = mix(result, flow + payload);
    }
    return mix(result, passed);
}
