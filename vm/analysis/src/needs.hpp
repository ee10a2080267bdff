// bpftime-vm: which registers tell something of addresses and branches
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/program.hpp"

#include <cstdint>
#include <vector>

namespace bpftime::vm::analysis {

/// A set of registers: bit n is rn.
using reg_set = uint16_t;

[[nodiscard]] constexpr bool has(reg_set set, unsigned reg) noexcept {
    return (set >> reg & 1) != 0;
}

/// Registers whose words get, as they are or in results, into an address, a branch, a call, or a
/// slot of the own frame. Most arithmetic of most programs is about others.
class needs {
public:
    explicit needs(const program &p);

    /// What is needed after the instruction at `pc`.
    [[nodiscard]] reg_set after(uint32_t pc) const noexcept { return after_[pc]; }
    /// What is needed where the block begins.
    [[nodiscard]] reg_set at(uint32_t block) const noexcept { return at_[block]; }

private:
    [[nodiscard]] reg_set walk_back(const basic_block &b, reg_set set, bool records);
    [[nodiscard]] reg_set behind(const basic_block &b) const;

    const program &code_;
    std::vector<reg_set> after_;  ///< by pc
    std::vector<reg_set> at_;     ///< by block
};

}  // namespace bpftime::vm::analysis
