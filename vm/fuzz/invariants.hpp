// bpftime-vm: what holds of every program that loads, and of every fault
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-types.h"
#include "program/program.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace bpftime::vm::fuzz {

/// Functions and blocks cover the program, every reference is in range, weights are positive,
/// bytes() gives `code`.
void check_program(const program &p, std::span<const uint8_t> code);

/// What a fault may say about a run.
struct run_shape {
    std::size_t memory_size;
    uint32_t stack_size;
    uint32_t call_depth;
};

/// The fault's pc is an instruction that can fault so, and its place agrees with its kind.
void check_fault(const ebpf_fault &fault, const program &p, const run_shape &shape);

}  // namespace bpftime::vm::fuzz
