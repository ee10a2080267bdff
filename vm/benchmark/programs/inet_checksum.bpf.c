// bpftime-vm: benchmark: Internet checksum of 1,500-byte packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t inet_checksum(void *mem, uint64_t len) {
    const mem_u16 *halves = mem;
    uint64_t result = 0;
    for (uint64_t packet = 0; packet + 750 <= len / 2; packet += 750) {
        uint32_t sum = 0;
        for (uint64_t i = 0; i < 750; i++) {
            sum += halves[packet + i];
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        result = mix(result, (uint16_t)~sum);
    }
    return result;
}
