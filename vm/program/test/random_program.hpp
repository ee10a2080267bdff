// bpftime-vm: random valid programs, and random walks through them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/program.hpp"

#include <rapidcheck.h>

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace bpftime::vm::test {

/// The bytes of a program of a few functions that jump, loop, call and go by tables, and its jump
/// targets.
struct random_code {
    std::vector<uint8_t> code;
    std::vector<uint32_t> jump_targets;
};

[[nodiscard]] rc::Gen<random_code> valid_program();

/// Where a walk is, just after an instruction.
struct walk_state {
    uint32_t pc = 0;              ///< of that instruction
    uint32_t next_pc = 0;         ///< of the one that is next, equal to pc at the end of the walk
    uint64_t executed = 0;        ///< slots so far
    uint64_t charged = 0;         ///< budget units so far
    uint64_t charged_before = 0;  ///< the same without those of this instruction
    bool stays = true;            ///< whether next_pc is in the same call of the same function
    bool ended = false;
};

/// Follows the control flow of `p` from its entry for at most `steps` instructions, as an engine
/// does that charges the weights of `p`, and tells `visit` of each. It knows nothing of registers:
/// a coin decides what a branch does, a die where gotox and callx go. Ends at the last exit, at a
/// gotox that can go nowhere, and at a call deeper than 8.
void walk(const program &p, std::minstd_rand &chance, std::size_t steps,
          const std::function<void(const walk_state &)> &visit);

}  // namespace bpftime::vm::test
