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

/// A set of slots of the frame: bit n is the one at r10 - 8 * (n + 1).
using slot_set = uint64_t;

/// Registers and slots whose words get, as they are or in results, into an address, a branch or a
/// call. Most arithmetic of most programs is about others.
class needs {
public:
    /// `follows_stored`: what is stored is needed, too. So nothing else gets anywhere.
    needs(const program &p, bool follows_stored);

    /// What is needed after the instruction at `pc`.
    [[nodiscard]] reg_set after(uint32_t pc) const noexcept {
        return static_cast<reg_set>(after_[pc] & ~stores_bit);
    }
    /// Whether the slot that the store at `pc` writes by r10 is needed.
    [[nodiscard]] bool needs_stored(uint32_t pc) const noexcept {
        return (after_[pc] & stores_bit) != 0;
    }
    /// What is needed where the block begins.
    [[nodiscard]] reg_set at(uint32_t block) const noexcept { return at_[block].registers; }
    [[nodiscard]] bool has_slot(uint32_t block, uint32_t slot) const noexcept {
        return slot < 64 and (at_[block].slots >> slot & 1) != 0;
    }

private:
    struct set {
        reg_set registers = 0;
        slot_set slots = 0;

        friend bool operator==(const set &, const set &) = default;
    };

    static constexpr reg_set stores_bit = 0x8000;

    [[nodiscard]] set before(const isa::instruction &i, bool is_entry_function, set s) const;
    [[nodiscard]] set walk_back(const basic_block &b, set s, bool records);
    [[nodiscard]] set behind(const basic_block &b) const;

    const program &code_;
    bool follows_stored_;
    std::vector<reg_set> after_;  ///< by pc
    std::vector<set> at_;         ///< by block
};

}  // namespace bpftime::vm::analysis
