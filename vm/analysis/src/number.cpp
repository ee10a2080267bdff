// bpftime-vm: arithmetic on sets of words
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "number.hpp"

#include "isa/arithmetic.hpp"

#include <algorithm>
#include <bit>
#include <concepts>
#include <limits>
#include <tuple>
#include <utility>

namespace bpftime::vm::analysis {

namespace {

using isa::operation;
using isa::width;

constexpr uint64_t low_half = 0xffff'ffff;
constexpr uint64_t sign_bit = uint64_t{1} << 63;

/// Least and most of a set, of one type.
template <std::integral T>
struct range {
    T least = std::numeric_limits<T>::min();
    T most = std::numeric_limits<T>::max();

    friend constexpr bool operator==(const range &, const range &) = default;
    [[nodiscard]] constexpr bool is_empty() const noexcept { return least > most; }
    constexpr void meet(T from, T to) noexcept {
        least = std::max(least, from);
        most = std::min(most, to);
    }
};

/// A range of one type in a number.
template <std::integral T>
range<T> get(const number &n) noexcept {
    if constexpr (std::same_as<T, uint64_t>)
        return {n.umin, n.umax};
    else if constexpr (std::same_as<T, int64_t>)
        return {n.smin, n.smax};
    else if constexpr (std::same_as<T, uint32_t>)
        return {n.umin32, n.umax32};
    else
        return {n.smin32, n.smax32};
}

template <std::integral T>
void put(number &n, const range<T> &r) noexcept {
    if constexpr (std::same_as<T, uint64_t>)
        std::tie(n.umin, n.umax) = std::pair{r.least, r.most};
    else if constexpr (std::same_as<T, int64_t>)
        std::tie(n.smin, n.smax) = std::pair{r.least, r.most};
    else if constexpr (std::same_as<T, uint32_t>)
        std::tie(n.umin32, n.umax32) = std::pair{r.least, r.most};
    else
        std::tie(n.smin32, n.smax32) = std::pair{r.least, r.most};
}

// --- bits

/// The bits that all words of [least, most] have in common: those above the highest that differs.
known_bits bits_of_range(uint64_t least, uint64_t most) noexcept {
    const uint64_t differing = least ^ most;
    const uint64_t unknown = differing == 0 ? 0 : ~uint64_t{0} >> std::countl_zero(differing);
    return {least & ~unknown, unknown};
}

bool meet(known_bits &into, const known_bits &from) noexcept {
    const uint64_t known_in_both = ~into.unknown & ~from.unknown;
    if (((into.value ^ from.value) & known_in_both) != 0) return false;
    into = {into.value | from.value, into.unknown & from.unknown};
    return true;
}

known_bits join(const known_bits &a, const known_bits &b) noexcept {
    const uint64_t unknown = a.unknown | b.unknown | (a.value ^ b.value);
    return {a.value & ~unknown, unknown};
}

/// A bit of a sum is known if those of both sides are, and the carry: that is the same in the sum
/// of the least words and in that of the greatest.
known_bits add(const known_bits &a, const known_bits &b) noexcept {
    const uint64_t least = a.value + b.value;
    const uint64_t most = least + a.unknown + b.unknown;
    const uint64_t unknown = (least ^ most) | a.unknown | b.unknown;
    return {least & ~unknown, unknown};
}

known_bits subtract(const known_bits &a, const known_bits &b) noexcept {
    const uint64_t difference = a.value - b.value;
    const uint64_t most = difference + a.unknown;
    const uint64_t least = difference - b.unknown;
    const uint64_t unknown = (least ^ most) | a.unknown | b.unknown;
    return {difference & ~unknown, unknown};
}

unsigned low_zeros(const known_bits &b) noexcept {
    return static_cast<unsigned>(std::countr_zero(b.value | b.unknown));
}
unsigned known_low(const known_bits &b) noexcept {
    return static_cast<unsigned>(std::countr_zero(b.unknown));
}

uint64_t low_mask(unsigned bits) noexcept {
    return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
}

/// a = A + 2^m x, b = B + 2^n y: the low bits of a * b depend on A and B alone, as far as neither x
/// nor y gets.
known_bits multiply(const known_bits &a, const known_bits &b) noexcept {
    const unsigned known = std::min(known_low(a) + low_zeros(b), known_low(b) + low_zeros(a));
    const uint64_t mask = low_mask(known);
    return {(a.value * b.value) & mask, ~mask};
}

known_bits and_bits(const known_bits &a, const known_bits &b) noexcept {
    const uint64_t value = a.value & b.value;
    return {value, (a.value | a.unknown) & (b.value | b.unknown) & ~value};
}
known_bits or_bits(const known_bits &a, const known_bits &b) noexcept {
    const uint64_t value = a.value | b.value;
    return {value, (a.unknown | b.unknown) & ~value};
}
known_bits xor_bits(const known_bits &a, const known_bits &b) noexcept {
    const uint64_t unknown = a.unknown | b.unknown;
    return {(a.value ^ b.value) & ~unknown, unknown};
}

known_bits shift_right_signed(const known_bits &b, unsigned count) noexcept {
    return {static_cast<uint64_t>(static_cast<int64_t>(b.value) >> count),
            static_cast<uint64_t>(static_cast<int64_t>(b.unknown) >> count)};
}

// --- ranges

template <std::integral T>
range<T> add(const range<T> &a, const range<T> &b) noexcept {
    range<T> sum;
    if (__builtin_add_overflow(a.least, b.least, &sum.least) or
        __builtin_add_overflow(a.most, b.most, &sum.most))
        return {};
    return sum;
}

template <std::integral T>
range<T> subtract(const range<T> &a, const range<T> &b) noexcept {
    range<T> difference;
    if (__builtin_sub_overflow(a.least, b.most, &difference.least) or
        __builtin_sub_overflow(a.most, b.least, &difference.most))
        return {};
    return difference;
}

template <std::integral T>
range<T> multiply(const range<T> &a, const range<T> &b) noexcept {
    T corners[4];
    if (__builtin_mul_overflow(a.least, b.least, &corners[0]) or
        __builtin_mul_overflow(a.least, b.most, &corners[1]) or
        __builtin_mul_overflow(a.most, b.least, &corners[2]) or
        __builtin_mul_overflow(a.most, b.most, &corners[3]))
        return {};
    return {std::ranges::min(corners), std::ranges::max(corners)};
}

/// The four ranges of a sum, a difference, a product.
template <typename Combine>
void combine_ranges(number &out, const number &a, const number &b, Combine &&combine) noexcept {
    put(out, combine(get<uint64_t>(a), get<uint64_t>(b)));
    put(out, combine(get<int64_t>(a), get<int64_t>(b)));
    put(out, combine(get<uint32_t>(a), get<uint32_t>(b)));
    put(out, combine(get<int32_t>(a), get<int32_t>(b)));
}

/// The same, made tight. Operands on paths that no run goes may have no words, and no set is empty:
/// of those without a result nothing is known.
number tight(number n) noexcept { return tighten(n) ? n : number{}; }

number from_bits(const known_bits &bits) noexcept {
    number n;
    n.bits = bits;
    return tight(n);
}

// --- what words of one type tell of the others

/// The least and most word with these bits.
template <std::unsigned_integral U>
void meet_with_bits(range<U> &u, range<std::make_signed_t<U>> &s, U value, U unknown) noexcept {
    using signed_t = std::make_signed_t<U>;
    constexpr U sign = U{1} << (std::numeric_limits<U>::digits - 1);
    u.meet(value, value | unknown);
    s.meet(static_cast<signed_t>(value | (unknown & sign)),
           static_cast<signed_t>(value | (unknown & ~sign)));
}

/// Unsigned and signed ranges of the same words.
template <std::unsigned_integral U>
void meet_each_other(range<U> &u, range<std::make_signed_t<U>> &s) noexcept {
    using signed_t = std::make_signed_t<U>;
    if (static_cast<signed_t>(u.least) <= static_cast<signed_t>(u.most))
        s.meet(static_cast<signed_t>(u.least), static_cast<signed_t>(u.most));
    if (static_cast<U>(s.least) <= static_cast<U>(s.most))
        u.meet(static_cast<U>(s.least), static_cast<U>(s.most));
}

/// Whole words and their low halves.
void meet_halves(number &n) noexcept {
    if (n.umin >> 32 == n.umax >> 32) {
        const uint64_t high = n.umin & ~low_half;
        n.umin32 = std::max(n.umin32, static_cast<uint32_t>(n.umin));
        n.umax32 = std::min(n.umax32, static_cast<uint32_t>(n.umax));
        n.umin = std::max(n.umin, high | n.umin32);
        n.umax = std::min(n.umax, high | n.umax32);
    }
    if (n.smin >= INT32_MIN and n.smax <= INT32_MAX) {
        n.smin32 = std::max(n.smin32, static_cast<int32_t>(n.smin));
        n.smax32 = std::min(n.smax32, static_cast<int32_t>(n.smax));
        n.smin = std::max(n.smin, int64_t{n.smin32});
        n.smax = std::min(n.smax, int64_t{n.smax32});
    }
}

/// Bounds that have the low bits that all words have.
void meet_low_bits(number &n) noexcept {
    const uint64_t mask = low_mask(known_low(n.bits));
    if (mask == 0 or mask == ~uint64_t{0}) return;
    const uint64_t low = n.bits.value & mask;
    const uint64_t up = (low - n.umin) & mask;
    const uint64_t down = (n.umax - low) & mask;
    if (n.umin <= ~uint64_t{0} - up) n.umin += up;
    if (n.umax >= down) n.umax -= down;
    const auto signed_up = static_cast<int64_t>((low - static_cast<uint64_t>(n.smin)) & mask);
    const auto signed_down = static_cast<int64_t>((static_cast<uint64_t>(n.smax) - low) & mask);
    if (n.smin <= std::numeric_limits<int64_t>::max() - signed_up) n.smin += signed_up;
    if (n.smax >= std::numeric_limits<int64_t>::min() + signed_down) n.smax -= signed_down;
}

bool has_empty_range(const number &n) noexcept {
    return n.umin > n.umax or n.smin > n.smax or n.umin32 > n.umax32 or n.smin32 > n.smax32;
}

template <std::unsigned_integral U>
void meet_each_other(number &n, U value, U unknown) noexcept {
    using signed_t = std::make_signed_t<U>;
    range<U> u = get<U>(n);
    range<signed_t> s = get<signed_t>(n);
    meet_with_bits(u, s, value, unknown);
    meet_each_other(u, s);
    put(n, u);
    put(n, s);
}

bool tighten_once(number &n) noexcept {
    meet_each_other<uint64_t>(n, n.bits.value, n.bits.unknown);
    meet_each_other<uint32_t>(n, static_cast<uint32_t>(n.bits.value),
                              static_cast<uint32_t>(n.bits.unknown));
    meet_low_bits(n);
    if (has_empty_range(n)) return false;
    meet_halves(n);
    if (has_empty_range(n)) return false;
    known_bits low = bits_of_range(n.umin32, n.umax32);
    low.unknown |= ~low_half;
    return meet(n.bits, bits_of_range(n.umin, n.umax)) and meet(n.bits, low);
}

// --- operations

/// Counts of shifts are their low bits.
number shift_count(const number &n, width w) noexcept {
    return alu(operation::and_, width::w64, n, number::constant(isa::bits_of(w) - 1));
}

number shift_left(const number &n, unsigned count) noexcept {
    number out;
    out.bits = {n.bits.value << count, n.bits.unknown << count};
    const auto fits = [count](auto word) {
        return static_cast<decltype(word)>(word << count) >> count == word;
    };
    if (fits(n.umax)) put(out, range<uint64_t>{n.umin << count, n.umax << count});
    if (fits(n.smin) and fits(n.smax)) put(out, range<int64_t>{n.smin << count, n.smax << count});
    if (count < 32 and fits(n.umax32))
        put(out, range<uint32_t>{n.umin32 << count, n.umax32 << count});
    return tight(out);
}

number shift_left(const number &n, const number &count) noexcept {
    if (count.is_constant()) return shift_left(n, static_cast<unsigned>(count.umin));
    number out;
    const auto most = static_cast<unsigned>(count.umax);
    const unsigned zeros = std::min(64U, low_zeros(n.bits) + static_cast<unsigned>(count.umin));
    out.bits = {0, ~low_mask(zeros)};
    if (n.umax << most >> most == n.umax)
        put(out, range<uint64_t>{n.umin << count.umin, n.umax << most});
    return tight(out);
}

number shift_right(const number &n, const number &count) noexcept {
    number out;
    if (count.is_constant()) out.bits = {n.bits.value >> count.umin, n.bits.unknown >> count.umin};
    put(out, range<uint64_t>{n.umin >> count.umax, n.umax >> count.umin});
    return tight(out);
}

number shift_right_signed(const number &n, const number &count) noexcept {
    number out;
    if (count.is_constant())
        out.bits = shift_right_signed(n.bits, static_cast<unsigned>(count.umin));
    // What is negative grows with the count, what is not shrinks.
    put(out, range<int64_t>{n.smin >> (n.smin < 0 ? count.umin : count.umax),
                            n.smax >> (n.smax < 0 ? count.umax : count.umin)});
    return tight(out);
}

number divide(const number &a, const number &b) noexcept {
    if (b.is_constant() and std::has_single_bit(b.umin))
        return shift_right(a, number::constant(static_cast<unsigned>(std::countr_zero(b.umin))));
    if (b.umin == 0) return range_of(0, a.umax);
    return range_of(a.umin / b.umax, a.umax / b.umin);
}

number modulo(const number &a, const number &b) noexcept {
    if (b.is_constant() and std::has_single_bit(b.umin))
        return alu(operation::and_, width::w64, a, number::constant(b.umin - 1));
    if (a.umax < b.umin or b.umax == 0) return a;
    return range_of(0, b.umin == 0 ? a.umax : std::min(a.umax, b.umax - 1));
}

/// The absolute value of the word furthest from 0.
uint64_t greatest_magnitude(const number &n) noexcept {
    const auto magnitude = [](int64_t word) {
        return word < 0 ? 0 - static_cast<uint64_t>(word) : static_cast<uint64_t>(word);
    };
    return std::max(magnitude(n.smin), magnitude(n.smax));
}

number divide_signed(const number &a, const number &b) noexcept {
    if (a.smin >= 0 and b.smin >= 0) return divide(a, b);
    if (b.is_constant() and b.smin != 0 and b.smin != -1) {
        const int64_t first = a.smin / b.smin;
        const int64_t last = a.smax / b.smin;
        return signed_range_of(std::min(first, last), std::max(first, last));
    }
    const uint64_t magnitude = greatest_magnitude(a);
    if (magnitude >= sign_bit) return {};
    return signed_range_of(-static_cast<int64_t>(magnitude), static_cast<int64_t>(magnitude));
}

/// The result has the sign of `a`, and is no further from 0 than it.
number modulo_signed(const number &a, const number &b) noexcept {
    if (a.smin >= 0 and b.smin >= 0) return modulo(a, b);
    range<int64_t> r{std::min<int64_t>(a.smin, 0), std::max<int64_t>(a.smax, 0)};
    const bool may_divide_by_zero = b.smin <= 0 and b.smax >= 0;
    const uint64_t magnitude = greatest_magnitude(b);
    if (not may_divide_by_zero and magnitude < sign_bit) {
        const auto limit = static_cast<int64_t>(magnitude) - 1;
        r.meet(-limit, limit);
    }
    return signed_range_of(r.least, r.most);
}

number bitwise_and(const number &a, const number &b) noexcept {
    number out;
    out.bits = and_bits(a.bits, b.bits);
    out.umax = std::min(a.umax, b.umax);
    out.umax32 = std::min(a.umax32, b.umax32);
    if (a.smin >= 0) out.smax = a.smax;
    if (b.smin >= 0) out.smax = std::min(out.smax, b.smax);
    return tight(out);
}

number bitwise_or(const number &a, const number &b) noexcept {
    number out;
    out.bits = or_bits(a.bits, b.bits);
    out.umin = std::max(a.umin, b.umin);
    out.umin32 = std::max(a.umin32, b.umin32);
    return tight(out);
}

number add(const number &a, const number &b) noexcept {
    number out;
    out.bits = add(a.bits, b.bits);
    combine_ranges(out, a, b, [](const auto &x, const auto &y) { return add(x, y); });
    return tight(out);
}

number subtract(const number &a, const number &b) noexcept {
    number out;
    out.bits = subtract(a.bits, b.bits);
    combine_ranges(out, a, b, [](const auto &x, const auto &y) { return subtract(x, y); });
    return tight(out);
}

number multiply(const number &a, const number &b) noexcept {
    number out;
    out.bits = multiply(a.bits, b.bits);
    combine_ranges(out, a, b, [](const auto &x, const auto &y) { return multiply(x, y); });
    return tight(out);
}

/// 64 bits; the counts of shifts are in range.
number alu64(operation op, const number &a, const number &b) noexcept {
    switch (op) {
    case operation::add: return add(a, b);
    case operation::sub: return subtract(a, b);
    case operation::mul: return multiply(a, b);
    case operation::div: return divide(a, b);
    case operation::sdiv: return divide_signed(a, b);
    case operation::mod: return modulo(a, b);
    case operation::smod: return modulo_signed(a, b);
    case operation::or_: return bitwise_or(a, b);
    case operation::and_: return bitwise_and(a, b);
    case operation::xor_: return from_bits(xor_bits(a.bits, b.bits));
    case operation::lsh: return shift_left(a, b);
    case operation::rsh: return shift_right(a, b);
    case operation::arsh: return shift_right_signed(a, b);
    case operation::mov: return b;
    default: return {};
    }
}

/// Whether the result is any word if one operand is.
bool mixes(operation op) noexcept {
    return op == operation::add or op == operation::sub or op == operation::xor_;
}

/// Whether nothing is known of so many low bits.
bool is_any(const number &n, width w) noexcept {
    constexpr number any;
    const bool is_any_half = static_cast<uint32_t>(n.bits.unknown) == low_half and
                             n.umin32 == any.umin32 and n.umax32 == any.umax32 and
                             n.smin32 == any.smin32 and n.smax32 == any.smax32;
    return is_any_half and (w == width::w32 or n == any);
}

const number &any_word(width w) noexcept {
    static const number half = range_of(0, low_half);
    static const number whole;
    return w == width::w32 ? half : whole;
}

bool is_shift(operation op) noexcept {
    return op == operation::lsh or op == operation::rsh or op == operation::arsh;
}

/// How the operands of 32 bits have to be extended, so that the low half of the result of 64 bits
/// is right.
number widened(operation op, const number &n) noexcept {
    switch (op) {
    case operation::div:
    case operation::mod:
    case operation::rsh: return zero_extend(n, width::w32);
    case operation::sdiv:
    case operation::smod:
    case operation::arsh: return sign_extend(n, width::w32);
    default: return n;
    }
}

// --- branches

template <std::integral T>
void exclude(range<T> &r, T word) noexcept {
    // A set of this one word becomes an empty one.
    if (r.least == word and r.most == word)
        r = {std::numeric_limits<T>::max(), std::numeric_limits<T>::min()};
    else if (r.least == word)
        ++r.least;
    else if (r.most == word)
        --r.most;
}

template <std::integral T>
void make_different(number &a, number &b) noexcept {
    range<T> x = get<T>(a);
    range<T> y = get<T>(b);
    const range<T> before = x;
    if (y.least == y.most) exclude(x, y.least);
    if (before.least == before.most) exclude(y, before.least);
    put(a, x);
    put(b, y);
}

/// a < b, or a <= b.
template <std::integral T>
bool order(number &a, number &b, bool strictly) noexcept {
    range<T> x = get<T>(a);
    range<T> y = get<T>(b);
    if (strictly and
        (y.most == std::numeric_limits<T>::min() or x.least == std::numeric_limits<T>::max()))
        return false;
    x.most = std::min(x.most, static_cast<T>(y.most - T{strictly}));
    y.least = std::max(y.least, static_cast<T>(x.least + T{strictly}));
    put(a, x);
    put(b, y);
    return not x.is_empty() and not y.is_empty();
}

template <std::unsigned_integral U>
bool compare(operation op, number &a, number &b) noexcept {
    using signed_t = std::make_signed_t<U>;
    switch (op) {
    case operation::jne:
        make_different<U>(a, b);
        make_different<signed_t>(a, b);
        return true;
    case operation::jlt: return order<U>(a, b, true);
    case operation::jle: return order<U>(a, b, false);
    case operation::jgt: return order<U>(b, a, true);
    case operation::jge: return order<U>(b, a, false);
    case operation::jslt: return order<signed_t>(a, b, true);
    case operation::jsle: return order<signed_t>(a, b, false);
    case operation::jsgt: return order<signed_t>(b, a, true);
    default: return order<signed_t>(b, a, false);  // jsge
    }
}

/// Both hold the same low half.
bool equate_halves(number &a, number &b) noexcept {
    const auto take = [](number &into, const number &from) {
        range<uint32_t> u = get<uint32_t>(into);
        range<int32_t> s = get<int32_t>(into);
        u.meet(from.umin32, from.umax32);
        s.meet(from.smin32, from.smax32);
        put(into, u);
        put(into, s);
        return meet(into.bits, {from.bits.value & low_half, from.bits.unknown | ~low_half});
    };
    const number before = a;
    return take(a, b) and take(b, before);
}

/// a & mask is 0, or is not, where the bits of `mask` that are set for sure are `set`, and those
/// that may be `possible`.
bool test_bits(number &a, uint64_t set, uint64_t possible, bool taken) noexcept {
    if (not taken) return meet(a.bits, {0, ~set});
    const uint64_t candidates = possible & (a.bits.value | a.bits.unknown);
    if (candidates == 0) return false;
    return not std::has_single_bit(candidates) or meet(a.bits, {candidates, ~candidates});
}

bool test_bits(number &a, number &b, uint64_t mask, bool taken) noexcept {
    const number before = a;
    return test_bits(a, b.bits.value & mask, (b.bits.value | b.bits.unknown) & mask, taken) and
           test_bits(b, before.bits.value & mask, (before.bits.value | before.bits.unknown) & mask,
                     taken);
}

bool refine_untightened(operation op, width w, number &a, number &b, bool taken) noexcept {
    if (op == operation::jset)
        return test_bits(a, b, w == width::w32 ? low_half : ~uint64_t{0}, taken);
    const operation what = taken ? op : opposite(op);
    if (what != operation::jeq)
        return w == width::w32 ? compare<uint32_t>(what, a, b) : compare<uint64_t>(what, a, b);
    if (w == width::w32) return equate_halves(a, b);
    if (not intersect(a, b)) return false;
    b = a;
    return true;
}

// --- widening

/// Of a range that grew: to the next of the thresholds, or to the end of its type.
template <std::integral T>
range<T> widen(const range<T> &old, const range<T> &grown,
               std::span<const int64_t> thresholds) noexcept {
    // Thresholds are words; those that this type does not have, or orders otherwise, are left out.
    const auto fits = [](int64_t word) {
        return std::in_range<T>(word) and std::in_range<int64_t>(static_cast<T>(word));
    };
    range<T> out;
    if (grown.least >= old.least) {
        out.least = old.least;
    } else if (std::in_range<int64_t>(grown.least)) {
        const auto after = std::ranges::upper_bound(thresholds, static_cast<int64_t>(grown.least));
        if (after != thresholds.begin() and fits(*(after - 1)))
            out.least = static_cast<T>(*(after - 1));
    }
    if (grown.most <= old.most) {
        out.most = old.most;
    } else if (std::in_range<int64_t>(grown.most)) {
        const auto it = std::ranges::lower_bound(thresholds, static_cast<int64_t>(grown.most));
        if (it != thresholds.end() and fits(*it)) out.most = static_cast<T>(*it);
    }
    return out;
}

}  // namespace

bool tighten(number &n) noexcept {
    if (not n.is_constant()) {
        // Bits that the ranges told tell of ranges once more, and hardly ever a third time.
        const known_bits before = n.bits;
        if (not tighten_once(n) or (before != n.bits and not tighten_once(n))) return false;
    }
    // What is one word is that in all members, whichever told last: others take any of them.
    if (not n.is_constant()) return true;
    const uint64_t word = n.umin;
    if (not n.holds(word)) return false;
    n = number::constant(word);
    return true;
}

number range_of(uint64_t least, uint64_t most) noexcept {
    number n;
    n.umin = least;
    n.umax = most;
    return tight(n);
}

number signed_range_of(int64_t least, int64_t most) noexcept {
    number n;
    n.smin = least;
    n.smax = most;
    return tight(n);
}

unsigned known_low_bits(const number &n) noexcept { return known_low(n.bits); }

number zero_extend(const number &n, width w) noexcept {
    if (w == width::w64) return n;
    const uint64_t mask = low_mask(isa::bits_of(w));
    if (n.umax <= mask) return n;
    number out;
    out.bits = {n.bits.value & mask, n.bits.unknown & mask};
    if (w == width::w32) {
        put(out, get<uint32_t>(n));
        put(out, get<int32_t>(n));
        put(out, range<uint64_t>{n.umin32, n.umax32});
    }
    return tight(out);
}

number sign_extend(const number &n, width w) noexcept {
    if (w == width::w64) return n;
    const unsigned bits = isa::bits_of(w);
    const auto most = static_cast<int64_t>(low_mask(bits - 1));
    if (n.smin >= -most - 1 and n.smax <= most) return n;
    number out;
    out.bits = shift_right_signed(
        known_bits{n.bits.value << (64 - bits), n.bits.unknown << (64 - bits)}, 64 - bits);
    put(out, range<int64_t>{-most - 1, most});
    if (w == width::w32) {
        put(out, range<int64_t>{n.smin32, n.smax32});
        put(out, get<uint32_t>(n));
        put(out, get<int32_t>(n));
    }
    return tight(out);
}

number alu(operation op, width w, const number &dst, const number &src) noexcept {
    if (mixes(op) and (is_any(dst, w) or is_any(src, w))) return any_word(w);
    if (dst.is_constant() and src.is_constant() and w == width::w64) {
        if (op == operation::add) return number::constant(dst.umin + src.umin);
        if (op == operation::sub) return number::constant(dst.umin - src.umin);
    }
    const number count_or_src = is_shift(op)      ? shift_count(src, w)
                                : w == width::w32 ? widened(op, src)
                                                  : src;
    if (w == width::w64) return alu64(op, dst, count_or_src);
    return zero_extend(alu64(op, widened(op, dst), count_or_src), width::w32);
}

number convert(operation op, width w, const number &n) noexcept {
    switch (op) {
    case operation::neg: return zero_extend(subtract(number::constant(0), n), w);
    case operation::movsx8: return zero_extend(sign_extend(n, width::w8), w);
    case operation::movsx16: return zero_extend(sign_extend(n, width::w16), w);
    case operation::movsx32: return zero_extend(sign_extend(n, width::w32), w);
    case operation::le: return zero_extend(n, w);
    default: break;
    }
    const unsigned unused = 64 - isa::bits_of(w);
    return from_bits(
        {__builtin_bswap64(n.bits.value << unused), __builtin_bswap64(n.bits.unknown << unused)});
}

operation opposite(operation op) noexcept {
    switch (op) {
    case operation::jeq: return operation::jne;
    case operation::jne: return operation::jeq;
    case operation::jgt: return operation::jle;
    case operation::jge: return operation::jlt;
    case operation::jlt: return operation::jge;
    case operation::jle: return operation::jgt;
    case operation::jsgt: return operation::jsle;
    case operation::jsge: return operation::jslt;
    case operation::jslt: return operation::jsge;
    default: return operation::jsgt;  // of jsle
    }
}

bool refine(operation op, width w, number &a, number &b, bool taken) noexcept {
    return refine_untightened(op, w, a, b, taken) and tighten(a) and tighten(b);
}

bool intersect(number &into, const number &n) noexcept {
    if (not meet(into.bits, n.bits)) return false;
    const auto take = [&]<typename T>(T) {
        range<T> r = get<T>(into);
        const range<T> other = get<T>(n);
        r.meet(other.least, other.most);
        put(into, r);
    };
    take(uint64_t{});
    take(int64_t{});
    take(uint32_t{});
    take(int32_t{});
    return tighten(into);
}

number join(const number &a, const number &b) noexcept {
    number out;
    out.bits = join(a.bits, b.bits);
    combine_ranges(out, a, b, []<typename T>(const range<T> &x, const range<T> &y) {
        return range<T>{std::min(x.least, y.least), std::max(x.most, y.most)};
    });
    return out;
}

number widen(const number &old, const number &n, std::span<const int64_t> thresholds) noexcept {
    const number grown = join(old, n);
    if (grown == old) return old;
    number out;
    // Low bits tell alignment. What is known of others comes from the ranges, or goes at once: bit
    // by bit it would take long.
    const uint64_t mask = low_mask(known_low(grown.bits));
    out.bits = grown.bits == old.bits ? old.bits : known_bits{grown.bits.value & mask, ~mask};
    combine_ranges(out, old, grown, [&]<typename T>(const range<T> &x, const range<T> &y) {
        return widen(x, y, thresholds);
    });
    return tight(out);
}

}  // namespace bpftime::vm::analysis
