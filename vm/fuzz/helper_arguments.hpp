// bpftime-vm: what a program does before it calls a helper that declares its arguments
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "draft.hpp"
#include "ebpf-vm.h"

#include <cstdint>
#include <vector>

namespace bpftime::vm::fuzz {

/// The registers that hold what functions of the program take in r1 and r2.
struct passed_registers {
    uint8_t first;
    uint8_t second;
};

/// Instructions that put into r1 to r5 what the helper takes, mostly. r6 holds the input memory.
/// Which function an lddw of one is about, the caller has to choose. What functions are passed is
/// put nowhere else.
[[nodiscard]] std::vector<isa::instruction> prepare_arguments(const ebpf_helper &helper,
                                                              const passed_registers &passed,
                                                              random_source &random);

}  // namespace bpftime::vm::fuzz
