/* bpftime-vm: a helper that is compiled to a function and to bitcode
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdint.h>

/** The checksum of the Internet (RFC 1071) of a sum of 16-bit words. */
uint64_t fold_checksum(uint64_t sum, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
