// bpftime-vm: a program that can be edited: jumps and calls refer to statements, not to distances
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "isa/isa.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bpftime::vm::fuzz {

/// An instruction. Where it has a target, the field or the value that holds it is filled in by
/// lay_out().
struct statement {
    isa::instruction insn;
    int32_t next_imm = 0;  ///< immediate of the second slot of lddw
    /// The statement that it jumps to, calls, takes the address of, or (plain lddw) holds the
    /// handle of.
    std::optional<std::size_t> target = std::nullopt;
};

/// A program as bytes, and the slots that its gotox may go to.
struct bytecode {
    byte_vector code;
    std::vector<uint32_t> jump_targets = {};
};

struct draft {
    std::vector<statement> statements;
    std::vector<std::size_t> jump_table;  ///< statements that gotox may go to

    /// Puts `s` before statement `at`; references move with what they refer to.
    void insert(std::size_t at, const statement &s);
    /// Takes statement `at` out; what referred to it refers to the one behind it.
    void erase(std::size_t at);

private:
    template <typename Move>
    void move_references(Move move);
};

/// The bytes of a draft. References to statements that do not exist become distances out of the
/// program.
[[nodiscard]] bytecode lay_out(const draft &d);

/// The draft of bytes that decode; an empty one of all others.
[[nodiscard]] draft parse(std::span<const uint8_t> code, std::span<const uint32_t> jump_targets);

/// Whether the instruction's target is in its offset, or in its immediate.
[[nodiscard]] bool has_jump_offset(isa::insn_id id) noexcept;
[[nodiscard]] bool has_relative_imm(isa::insn_id id) noexcept;

}  // namespace bpftime::vm::fuzz
