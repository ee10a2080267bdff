// bpftime-vm: benchmark: rewrites source address and port and updates both checksums incrementally
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {count, offset of the output}, then count pairs {offset, length}, all 32 bits; then
/// packets of Ethernet, IPv4 without options, TCP. The output takes 40 bytes for each packet: the
/// rewritten IPv4 header and the first half of the TCP header.
BENCH_INLINE uint32_t checksum_update(uint32_t checksum, uint32_t before, uint32_t after) {
    uint32_t sum = (~checksum & 0xffff) + (~before & 0xffff) + after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

SEC("bench") uint64_t nat_rewrite(void *mem, uint64_t len) {
    const mem_u32 *index = mem;
    mem_u16 *to = (mem_u16 *)((uint8_t *)mem + index[1]);
    uint64_t result = len;
    for (uint64_t i = 0; i < index[0]; i++, to += 20) {
        const mem_u16 *from = (const mem_u16 *)((const uint8_t *)mem + index[2 + 2 * i] + 14);
        for (uint64_t half = 0; half < 20; half++) {
            to[half] = from[half];
        }
        uint32_t port = (from[10] * 40503u + (uint32_t)i) & 0xffff;
        uint32_t ip_sum = checksum_update(from[5], from[6], 0x640a);
        ip_sum = checksum_update(ip_sum, from[7], 0x0140);
        uint32_t tcp_sum = checksum_update(from[18], from[6], 0x640a);
        tcp_sum = checksum_update(tcp_sum, from[7], 0x0140);
        tcp_sum = checksum_update(tcp_sum, from[10], port);
        to[5] = (uint16_t)ip_sum;
        to[6] = 0x640a;
        to[7] = 0x0140;
        to[10] = (uint16_t)port;
        to[18] = (uint16_t)tcp_sum;
        result = mix(result, ip_sum << 16 | tcp_sum);
    }
    return result;
}
