// bpftime-vm: the functions behind the rows of helpers.def and kernel_functions.def
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace bpftime::vm::runtime::helper {

// One for each row, by its name; each file of helpers defines those of its topic.
#define HELPER(id, name, ...) \
    uint64_t name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
#include "helpers.def"

}  // namespace bpftime::vm::runtime::helper

namespace bpftime::vm::runtime::kernel_function {

#define KERNEL_FUNCTION(name, ...) \
    uint64_t name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
#include "kernel_functions.def"

}  // namespace bpftime::vm::runtime::kernel_function
