// bpftime-vm: arithmetic on sets of words
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Every function gives a set that holds what isa's arithmetic gives for any members of its
// arguments.
#pragma once

#include "analysis/value.hpp"
#include "isa/isa.hpp"

#include <cstdint>
#include <span>

namespace bpftime::vm::analysis {

/// Makes members say what follows from the others. False: the set is empty.
[[nodiscard]] bool tighten(number &n) noexcept;

/// dst = dst Op src on so many bits, as isa::alu: w32 or w64.
[[nodiscard]] number alu(isa::operation op, isa::width width, const number &dst,
                         const number &src) noexcept;
/// Op value, as isa::convert; not addr_space_cast.
[[nodiscard]] number convert(isa::operation op, isa::width width, const number &n) noexcept;
/// The low bits of a word, zero- or sign-extended.
[[nodiscard]] number zero_extend(const number &n, isa::width width) noexcept;
[[nodiscard]] number sign_extend(const number &n, isa::width width) noexcept;

/// The branch that is taken where `op`, which compares, is not.
[[nodiscard]] isa::operation opposite(isa::operation op) noexcept;
/// What the two sides of a branch are if it is `taken` or not. False: that cannot be.
[[nodiscard]] bool refine(isa::operation op, isa::width width, number &a, number &b,
                          bool taken) noexcept;

/// The words of both sets.
[[nodiscard]] bool intersect(number &into, const number &n) noexcept;
/// At least the words of either set.
[[nodiscard]] number join(const number &a, const number &b) noexcept;
/// The same, where what grew over `old` grows up to one of the `thresholds`, which are sorted, or
/// as far as it can: chains of these end soon.
[[nodiscard]] number widen(const number &old, const number &n,
                           std::span<const int64_t> thresholds) noexcept;

/// How many low bits are known.
[[nodiscard]] unsigned known_low_bits(const number &n) noexcept;

[[nodiscard]] number range_of(uint64_t least, uint64_t most) noexcept;
[[nodiscard]] number signed_range_of(int64_t least, int64_t most) noexcept;

}  // namespace bpftime::vm::analysis
