// bpftime-vm: benchmark: atomic operations that return the old value: add, and, or, xor, exchange
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

/// Memory: eight 64-bit cells (set first), eight 32-bit cells (set first), then 64-bit operands.
SEC("bench") uint64_t atomic_exchange(void *mem, uint64_t len) {
    mem_u64 *wide = mem;
    mem_u32 *narrow = (mem_u32 *)mem + 16;
    const mem_u64 *operands = (const mem_u64 *)mem + 12;
    for (uint64_t i = 0; i < 8; i++) {
        wide[i] = operands[i];
        narrow[i] = (uint32_t)operands[i + 8];
    }
    uint64_t result = 0;
    for (uint64_t i = 0; i < len / 8 - 12; i++) {
        uint64_t operand = operands[i];
        mem_u64 *cell = wide + (i & 7);
        mem_u32 *half = narrow + (operand & 7);
        uint64_t old = __sync_fetch_and_add(cell, operand);
        old ^= __sync_fetch_and_and(cell, operand | 0xffff);
        old += __sync_fetch_and_or(wide + (operand >> 61), old >> 32);
        old ^= __sync_fetch_and_xor(cell, old << 16);
        old += __sync_lock_test_and_set(half, (uint32_t)old);
        old ^= __sync_val_compare_and_swap(half, (uint32_t)old, (uint32_t)operand);
        result = rotl64(result, 3) + (old ^ __sync_fetch_and_add(half, 3u));
    }
    return result;
}
