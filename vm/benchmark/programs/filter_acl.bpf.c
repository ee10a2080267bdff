// bpftime-vm: benchmark: matches flows against address, port and protocol rules, the first hit wins
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: {rules, flows}; rules of 32 bytes {source, source mask, destination, destination mask,
/// source ports low | high << 16, destination ports low | high << 16, protocol (0 = any), action};
/// flows of 16 bytes {source, destination, source port | destination port << 16, protocol}.
SEC("bench") uint64_t filter_acl(void *mem, uint64_t len) {
    const mem_u32 *header = mem;
    const mem_u32 *rules = header + 2;
    const mem_u32 *flow = rules + 8 * (uint64_t)header[0];
    uint64_t result = len;
    for (uint64_t i = 0; i < header[1]; i++, flow += 4) {
        uint32_t source_port = flow[2] & 0xffff, destination_port = flow[2] >> 16;
        uint64_t verdict = 0, number = 0;
        for (; number < header[0]; number++) {
            const mem_u32 *rule = rules + 8 * number;
            if (((flow[0] ^ rule[0]) & rule[1]) == 0 && ((flow[1] ^ rule[2]) & rule[3]) == 0 &&
                source_port >= (rule[4] & 0xffff) && source_port <= rule[4] >> 16 &&
                destination_port >= (rule[5] & 0xffff) && destination_port <= rule[5] >> 16 &&
                (rule[6] == 0 || rule[6] == flow[3])) {
                verdict = rule[7];
                break;
            }
        }
        result = mix(result, number << 8 | verdict);
    }
    return result;
}
