/* bpftime-vm test: helpers in C and C++
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

uint64_t add(uint64_t a, uint64_t b, uint64_t r3, uint64_t r4, uint64_t r5);
uint64_t scale(uint64_t a, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);

#ifdef __cplusplus
}
#endif
