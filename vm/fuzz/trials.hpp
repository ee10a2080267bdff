// bpftime-vm: random programs, how they are run, and what the engines make of them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "draft.hpp"
#include "engines_set.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace bpftime::vm::fuzz {

/// One program and how it is run.
struct trial {
    engine_settings how;
    draft program;
    bool exact;  ///< whether addresses may be data, and count in faults
    /// How often it is run, each time over other contents of memory. Numbers of contents follow
    /// each other from the first.
    uint64_t runs = 1;
    uint64_t first_contents = 0;
};

/// Every row of the opcode table, addresses kept out of data: it does not matter where memory lies.
[[nodiscard]] trial confined_program(random_source &random);
/// Every row of the opcode table.
[[nodiscard]] trial any_program(random_source &random);
/// The same after some changes: some do not load.
[[nodiscard]] trial mutated_program(random_source &random);
/// Loops that count, and pointers that move.
[[nodiscard]] trial busy_program(random_source &random);

using trial_maker = trial (*)(random_source &random);
inline constexpr std::array<trial_maker, 4> trial_makers{confined_program, any_program,
                                                         mutated_program, busy_program};

/// What became of a trial.
struct verdict {
    /// What the engines do not agree in.
    std::optional<std::string> difference;
    bool loaded = false;
    uint64_t ended = 0;    ///< runs that went well
    uint64_t faulted = 0;  ///< runs that ended in a fault
    engine_set::run_counts runs{};
};

[[nodiscard]] verdict judge(const trial &t);

/// Takes out every statement that the difference does not need.
[[nodiscard]] trial shrink(trial t);

/// The program as text, how it is run, and in what the engines differ.
[[nodiscard]] std::string describe(const trial &t);

}  // namespace bpftime::vm::fuzz
