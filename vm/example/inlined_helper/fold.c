/* bpftime-vm: a helper that is compiled to a function and to bitcode
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 */
#include "fold.h"

uint64_t fold_checksum(uint64_t sum, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    (void)r2, (void)r3, (void)r4, (void)r5;
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}
