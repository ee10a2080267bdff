// bpftime-vm: benchmark: parses Ethernet with up to two VLAN tags over IPv4 and IPv6, TCP and UDP
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {count, 0}, then count pairs {offset, length}, all 32 bits; then the packets.
SEC("bench") uint64_t packet_vlan_mixed(void *mem, uint64_t len) {
    const mem_u32 *index = mem;
    uint64_t result = len, dropped = 0, counts = 0;
    for (uint64_t i = 0; i < index[0]; i++) {
        const uint8_t *packet = (const uint8_t *)mem + index[2 + 2 * i];
        uint64_t size = index[3 + 2 * i], at = 14, tags = 0;
        uint32_t type = load_be16(packet + 12);
        for (int depth = 0; depth < 2; depth++) {
            if ((type != 0x8100 && type != 0x88a8) || at + 4 > size) {
                break;
            }
            tags = tags << 12 | (load_be16(packet + at) & 0xfff);
            type = load_be16(packet + at + 2);
            at += 4;
        }
        uint64_t flow;
        uint32_t protocol;
        if (type == 0x0800 && at + 20 <= size) {
            flow = load_be32(packet + at + 12) ^ (uint64_t)load_be32(packet + at + 16) << 13;
            protocol = packet[at + 9];
            at += (uint64_t)(packet[at] & 15) * 4;
        } else if (type == 0x86dd && at + 40 <= size) {
            flow = load_be32(packet + at) & 0xfffff;
            for (uint64_t word = 8; word < 40; word += 4) {
                flow = flow * 31 + load_be32(packet + at + word);
            }
            protocol = packet[at + 6];
            at += 40;
        } else {
            dropped++;
            continue;
        }
        if ((protocol != 6 && protocol != 17) || at + 8 > size) {
            dropped++;
            continue;
        }
        uint64_t ports = load_be32(packet + at);
        counts += protocol == 6 ? 1 : 1 << 16;
        result = mix(result, mix(flow ^ ports, tags));
    }
    return mix(result, dropped << 32 | counts);
}
