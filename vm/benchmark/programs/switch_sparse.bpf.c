// bpftime-vm: benchmark: classifies 16-bit protocol numbers through a sparse switch
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

SEC("bench") uint64_t switch_sparse(void *mem, uint64_t len) {
    const mem_u16 *types = mem;
    uint64_t known = 0, unknown = 0, sum = 0;
    for (uint64_t i = 0; i < len / 2; i++) {
        uint64_t type = types[i];
        known++;
        switch (type) {
        case 0x0800: sum += 20; break;
        case 0x0806: sum ^= 0x28; break;
        case 0x0842: sum += 102; break;
        case 0x22f0: sum -= 3; break;
        case 0x6003: sum = rotl64(sum, 3); break;
        case 0x8035: sum ^= sum << 5; break;
        case 0x8100: sum += 4; break;
        case 0x8137: sum *= 3; break;
        case 0x86dd: sum += 40; break;
        case 0x8808: sum ^= known; break;
        case 0x8847: sum = sum * 5 + 1; break;
        case 0x8863: sum += known << 8; break;
        case 0x888e: sum ^= 0x88e; break;
        case 0x88a8: sum += 8; break;
        case 0x88cc: sum = ~sum; break;
        case 0x9100: sum -= known; break;
        default:
            known--;
            unknown++;
            sum += type;
            break;
        }
    }
    return mix(sum, known << 32 | unknown);
}
