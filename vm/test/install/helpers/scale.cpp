// bpftime-vm test: a helper in C++
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helpers.h"

namespace {
constexpr uint64_t factors[] = {3, 5, 7, 9};
}

uint64_t scale(uint64_t a, uint64_t, uint64_t, uint64_t, uint64_t) { return a * factors[a % 4]; }
