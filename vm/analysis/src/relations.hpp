// bpftime-vm: what values say of lengths and of each other
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "analysis/facts.hpp"
#include "wide.hpp"

#include <cstdint>
#include <optional>

namespace bpftime::vm::analysis {

/// visit(value) for all places of a state.
template <typename State, typename Visit>
void for_each_value(State &s, Visit &&visit) {
    for (auto &v : s.registers) visit(v);
    for (auto &slot : s.slots) visit(slot.what);
}

/// The length that offsets of pointers of this kind are compared with.
[[nodiscard]] length_kind length_of(value_kind kind) noexcept;

/// Whether two values are addresses in one and the same thing, or both are scalars.
[[nodiscard]] bool is_comparable(const value &a, const value &b) noexcept;

/// n of a value (see bound), at least and at most: unsigned for scalars, signed for pointers.
[[nodiscard]] wide least_of(const value &v) noexcept;
[[nodiscard]] wide most_of(const value &v) noexcept;

/// Whether n + by is out of the range of its type for some n.
[[nodiscard]] bool may_wrap(const value &v, int64_t by) noexcept;

/// The greatest slack that the state tells of: scale * n + slack <= length.
[[nodiscard]] std::optional<int64_t> slack_of(const state &s, const value &v, length_kind length,
                                              uint32_t scale = 1);
/// The bound of the greatest scale that the state tells of.
[[nodiscard]] bound steepest_bound(const state &s, const value &v, length_kind length);
/// What follows for the sum of two words, none below 0, that keep within the same length.
[[nodiscard]] bound bound_of_sum(const bound &a, const bound &b) noexcept;
/// The greatest distance that the state tells of: n of `a` + distance <= n of `b`, which are
/// comparable.
[[nodiscard]] std::optional<int64_t> distance_of(const state &s, const value &a, const value &b);

/// Makes bounds out of slacks and distances, none if they are out of range.
[[nodiscard]] bound make_bound(length_kind length, wide slack, uint32_t scale = 1,
                               bool exact = false) noexcept;
[[nodiscard]] gap make_gap(value_number of, int64_t of_delta, wide distance) noexcept;
/// The more useful one of two bounds that both hold.
[[nodiscard]] bound better(const bound &a, const bound &b) noexcept;
[[nodiscard]] gap better(const gap &a, const gap &b) noexcept;
/// The bound of `v`, which is none below 0, or the other one if that leaves no more of the length.
[[nodiscard]] bound tighter(const value &v, const bound &other) noexcept;

/// `v` by a constant more, without any wrap: its bound, gap and covered bytes.
void shift_relations(value &v, int64_t by) noexcept;

/// Makes `v` say what its bound tells of its offset. False: it cannot be, and stays as it is.
[[nodiscard]] bool clamp(value &v) noexcept;
/// The same of its link. Its offset stays as it is if that says nothing.
void clamp_by_link(const state &s, value &v) noexcept;
/// Makes the state say what the value's bound tells of the length.
void note_length(state &s, const value &v) noexcept;

}  // namespace bpftime::vm::analysis
