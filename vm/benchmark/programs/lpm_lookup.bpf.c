// bpftime-vm: benchmark: longest prefix match of IPv4 addresses in a binary trie
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {nodes, addresses}; nodes of 16 bytes {child for 0, child for 1, value, 0} where child
/// and value 0 mean none and node 0 is the root; then addresses. All 32 bits.
SEC("bench") uint64_t lpm_lookup(void *mem, uint64_t len) {
    const mem_u32 *header = mem;
    const mem_u32 *nodes = header + 2;
    const mem_u32 *addresses = nodes + 4 * (uint64_t)header[0];
    uint64_t result = len;
    for (uint64_t i = 0; i < header[1]; i++) {
        uint32_t address = addresses[i], value = 0, steps = 0;
        uint64_t at = 0;
        do {
            const mem_u32 *node = nodes + 4 * at;
            value = node[2] != 0 ? node[2] : value;
            at = node[address >> 31];
            address <<= 1;
            steps++;
        } while (at != 0);
        result = mix(result, (uint64_t)value << 8 | steps);
    }
    return result;
}
