/* bpftime-vm test: a helper in C
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 */
#include "helpers.h"

uint64_t add(uint64_t a, uint64_t b, uint64_t r3, uint64_t r4, uint64_t r5) {
    (void)r3, (void)r4, (void)r5;
    return a + b;
}
