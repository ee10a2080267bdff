// bpftime-vm: random programs with what optimisers care about: loops that count, moving pointers
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "draft.hpp"
#include "ebpf-vm.h"

#include <cstddef>
#include <span>

namespace bpftime::vm::fuzz {

/// What programs are made for.
struct busy_options {
    std::size_t most_functions = 4;
    std::size_t most_statements = 20;  ///< of one function, loops and calls counted as one
    std::size_t memory_size = 64;
    std::size_t stack_size = 512;
    /// What calls name, with arguments that fit, mostly.
    std::span<const ebpf_helper> helpers = {};
};

/// A program that loads. Other than generate()'s, its loops mostly count to a number, its registers
/// mostly hold pointers where they are used as such, and frames are passed to callees, stored,
/// loaded back, compared and subtracted.
[[nodiscard]] draft generate_busy(random_source &random, const busy_options &options);

}  // namespace bpftime::vm::fuzz
