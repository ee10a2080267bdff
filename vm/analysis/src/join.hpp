// bpftime-vm: what is known where several paths meet
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "analysis/facts.hpp"
#include "needs.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace bpftime::vm::analysis {

struct join_options {
    uint32_t begin = 0;    ///< the slot where the paths meet
    reg_set kept = 0x3ff;  ///< of the others nothing is to be known
    /// Whether the path may have been there before, or comes from another function: words that have
    /// names of `renamed_from` or later slots get new ones, as the old ones are going to name
    /// others.
    bool renames = false;
    uint32_t renamed_from = 0;
    /// Whether what grew grows as far as it can, or to the next of the thresholds.
    bool widens = false;
    std::span<const int64_t> thresholds{};
    /// What lengths are at least in every state.
    std::array<uint64_t, 4> least_lengths{};
};

/// What the path that arrives first makes of the place where it arrives: `s`, which it brings.
void arrive(state &s, const join_options &options);

/// Makes `head` hold what a path with `arriving` brings. False: it held all of that before.
[[nodiscard]] bool join_into(state &head, const state &arriving, const join_options &options);

}  // namespace bpftime::vm::analysis
