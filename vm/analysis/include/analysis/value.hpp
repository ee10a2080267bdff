// bpftime-vm: sets of words that a register or a stack slot may hold
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/region.hpp"

#include <cstdint>
#include <limits>
#include <string>

namespace bpftime::vm::analysis {

/// Bits of a word that are the same in all of a set: where `unknown` is 0, the word has the bit of
/// `value`; there `value` is 0 elsewhere.
struct known_bits {
    uint64_t value = 0;
    uint64_t unknown = ~uint64_t{0};

    friend constexpr bool operator==(const known_bits &, const known_bits &) = default;
    [[nodiscard]] constexpr bool holds(uint64_t word) const noexcept {
        return (word & ~unknown) == value;
    }
};

/// A set of 64-bit words: those that all members allow. Never empty.
struct number {
    known_bits bits;
    uint64_t umin = 0;
    uint64_t umax = std::numeric_limits<uint64_t>::max();
    int64_t smin = std::numeric_limits<int64_t>::min();
    int64_t smax = std::numeric_limits<int64_t>::max();
    // The same for the low 32 bits.
    uint32_t umin32 = 0;
    uint32_t umax32 = std::numeric_limits<uint32_t>::max();
    int32_t smin32 = std::numeric_limits<int32_t>::min();
    int32_t smax32 = std::numeric_limits<int32_t>::max();

    friend constexpr bool operator==(const number &, const number &) = default;

    [[nodiscard]] static constexpr number constant(uint64_t word) noexcept {
        const auto low = static_cast<uint32_t>(word);
        return {.bits = {word, 0},
                .umin = word,
                .umax = word,
                .smin = static_cast<int64_t>(word),
                .smax = static_cast<int64_t>(word),
                .umin32 = low,
                .umax32 = low,
                .smin32 = static_cast<int32_t>(low),
                .smax32 = static_cast<int32_t>(low)};
    }
    [[nodiscard]] constexpr bool is_constant() const noexcept { return umin == umax; }
    [[nodiscard]] constexpr bool holds(uint64_t word) const noexcept {
        const auto low = static_cast<uint32_t>(word);
        const auto sword = static_cast<int64_t>(word);
        const auto slow = static_cast<int32_t>(low);
        return bits.holds(word) and umin <= word and word <= umax and smin <= sword and
               sword <= smax and umin32 <= low and low <= umax32 and smin32 <= slow and
               slow <= smax32;
    }
};

/// What a word is.
enum class value_kind : uint8_t {
    unknown,      ///< any word
    scalar,       ///< a word of `offset`
    input,        ///< an address: the start of the input memory, r1 of the entry function
    packet,       ///< data
    packet_end,   ///< data_end
    packet_meta,  ///< data_meta
    frame,        ///< r10 of the function that is `index` calls above the running one
    map_value,    ///< the start of a value of map `index`
    map,          ///< the word of map `index`
    memory,       ///< the start of memory `index` of environment::wide()
    granted,      ///< the start of what the helper called at pc `index` gave
};

/// Whether the word is the start of something + `offset`.
[[nodiscard]] constexpr bool is_pointer(value_kind kind) noexcept {
    return kind >= value_kind::input and kind != value_kind::map;
}

/// Lengths that are not known before a run, but compared with.
enum class length_kind : uint8_t {
    none,
    input,   ///< of the input memory, r2 of the entry function
    packet,  ///< data_end - data
    meta,    ///< data - data_meta
};

/// A bound by a length, without any wrap: scale * n + slack <= length, where n is the word of a
/// scalar (unsigned) or the offset of a pointer (signed).
struct bound {
    length_kind length = length_kind::none;
    bool exact = false;  ///< equal, and the scale is 1
    uint32_t scale = 1;
    int32_t slack = 0;

    friend constexpr bool operator==(const bound &, const bound &) = default;
};

/// A name for the word that a place has at some time of a run: places with the same number hold
/// words that differ by their deltas. 0: none.
using value_number = uint32_t;

/// How far below another word this one is, without any wrap: n + distance <= n of the other one,
/// where n is that of bound. Both are scalars, or pointers into the same memory.
struct gap {
    value_number of = 0;
    int32_t distance = 0;
    int64_t of_delta = 0;  ///< the other word is that of number `of`, plus this

    friend constexpr bool operator==(const gap &, const gap &) = default;
};

/// That n (see bound) is a multiple of another one, without any wrap: scale * (word or offset of
/// `of`) + addend.
struct link {
    value_number of = 0;
    uint32_t scale = 0;
    int64_t addend = 0;

    friend constexpr bool operator==(const link &, const link &) = default;
};

/// Bytes around the address that an earlier access was checked for and allowed, in one: [begin,
/// end) from the address on.
struct cover {
    int32_t begin = 0;
    int32_t end = 0;
    permission allowed = permission::none;
    /// Whether one check was for both permissions: two may have found two pieces of memory.
    bool at_once = false;

    [[nodiscard]] constexpr bool covers(int64_t from, int64_t to,
                                        permission wanted) const noexcept {
        return begin <= from and to <= end and allows(allowed, wanted) and
               (wanted != permission::read_write or at_once);
    }
    friend constexpr bool operator==(const cover &, const cover &) = default;
};

/// What is known of the word in one place.
struct value {
    value_kind kind = value_kind::unknown;
    bool nullable = false;  ///< a pointer, or 0
    uint32_t index = 0;
    value_number id = 0;
    int64_t delta = 0;  ///< the word is that of number `id`, plus this
    number offset;      ///< of a scalar the word itself
    bound limit;
    analysis::gap gap;
    analysis::link link;
    analysis::cover cover;

    friend constexpr bool operator==(const value &, const value &) = default;
    [[nodiscard]] constexpr bool is_scalar() const noexcept { return kind == value_kind::scalar; }
    [[nodiscard]] constexpr bool is_pointer() const noexcept { return analysis::is_pointer(kind); }
    [[nodiscard]] static constexpr value constant(uint64_t word) noexcept {
        value v;
        v.kind = value_kind::scalar;
        v.offset = number::constant(word);
        return v;
    }
};

/// "packet + 14..34, 20 bytes left"; "any word".
[[nodiscard]] std::string to_text(const value &v);
[[nodiscard]] std::string to_text(const number &n);
[[nodiscard]] std::string_view name_of(value_kind kind) noexcept;

}  // namespace bpftime::vm::analysis
