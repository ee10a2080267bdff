// bpftime-vm: programs out of random numbers, made from the opcode table
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "draft.hpp"
#include "ebpf-vm.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bpftime::vm::fuzz {

/// What programs are made for.
struct generator_options {
    std::size_t most_functions = 4;
    /// Statements of one function, without the few that begin and end it.
    std::size_t most_statements = 24;
    std::size_t memory_size = 64;        ///< bytes of the input memory that accesses aim at
    std::size_t stack_size = 512;        ///< bytes of the stack frames that accesses aim at
    std::vector<uint32_t> helpers = {};  ///< ids that calls name
    /// What is known of some of them: they get arguments that fit, mostly.
    std::span<const ebpf_helper> declared = {};
    /// Programs begin with a pointer into this map, which has an arena, in r8.
    std::optional<uint32_t> arena_map = std::nullopt;
    /// So many more jumps through the table, in each function.
    std::size_t more_table_jumps = 0;
    /// Addresses of input memory and stack never become data, and nothing else has addresses: the
    /// program's result, its memory and its fault are then the same wherever its memory lies. Needs
    /// helpers that neither return nor keep pointers.
    bool confine_pointers = false;
};

/// A program that loads: every row of the table, registers that exist, jumps inside functions, both
/// slots of lddw, calls of its own functions, an `exit` at every end. Most accesses hit their
/// memory, most loops go on until the budget ends them.
[[nodiscard]] draft generate(random_source &random, const generator_options &options);

/// Changes a few statements; what loaded before mostly still loads.
void mutate(draft &d, random_source &random, const generator_options &options);

}  // namespace bpftime::vm::fuzz
