// bpftime-vm: the arithmetic of eBPF, the one definition that engines and constant folding share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Everything is defined (RFC 9669, section 4.1): division by zero gives 0, modulo by zero leaves
// the destination, INT_MIN / -1 is INT_MIN and INT_MIN % -1 is 0, shift counts are masked, 32-bit
// results are zero-extended.
#pragma once

#include "isa/isa.hpp"

#include <concepts>
#include <limits>
#include <type_traits>

namespace bpftime::vm::isa {

namespace detail {

template <std::signed_integral T>
[[nodiscard]] constexpr T divide(T a, T b) noexcept {
    if (b == 0) return 0;
    if (b == -1) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
    return static_cast<T>(a / b);
}

template <std::signed_integral T>
[[nodiscard]] constexpr T modulo(T a, T b) noexcept {
    if (b == 0) return a;
    if (b == -1) return 0;
    return static_cast<T>(a % b);
}

template <operation Op, std::unsigned_integral T>
[[nodiscard]] constexpr T alu(T a, T b) noexcept {
    using signed_t = std::make_signed_t<T>;
    [[maybe_unused]] constexpr T count_mask = std::numeric_limits<T>::digits - 1;
    const auto sa = static_cast<signed_t>(a);
    const auto sb = static_cast<signed_t>(b);
    if constexpr (Op == operation::add)
        return a + b;
    else if constexpr (Op == operation::sub)
        return a - b;
    else if constexpr (Op == operation::mul)
        return a * b;
    else if constexpr (Op == operation::div)
        return b == 0 ? 0 : a / b;
    else if constexpr (Op == operation::sdiv)
        return static_cast<T>(divide(sa, sb));
    else if constexpr (Op == operation::mod)
        return b == 0 ? a : a % b;
    else if constexpr (Op == operation::smod)
        return static_cast<T>(modulo(sa, sb));
    else if constexpr (Op == operation::or_)
        return a | b;
    else if constexpr (Op == operation::and_)
        return a & b;
    else if constexpr (Op == operation::xor_)
        return a ^ b;
    else if constexpr (Op == operation::lsh)
        return a << (b & count_mask);
    else if constexpr (Op == operation::rsh)
        return a >> (b & count_mask);
    else if constexpr (Op == operation::arsh)
        return static_cast<T>(sa >> (b & count_mask));
    else {
        static_assert(Op == operation::mov, "not an alu operation");
        return b;
    }
}

}  // namespace detail

/// dst = dst Op src on W bits, zero-extended to 64.
template <operation Op, width W>
[[nodiscard]] constexpr uint64_t alu(uint64_t dst, uint64_t src) noexcept {
    static_assert(W == width::w32 || W == width::w64);
    if constexpr (W == width::w32) {
        return detail::alu<Op>(static_cast<uint32_t>(dst), static_cast<uint32_t>(src));
    } else {
        return detail::alu<Op>(dst, src);
    }
}

/// The low W bits of `value` in the other byte order, zero-extended.
template <width W>
[[nodiscard]] constexpr uint64_t swap_bytes(uint64_t value) noexcept {
    if constexpr (W == width::w16)
        return __builtin_bswap16(static_cast<uint16_t>(value));
    else if constexpr (W == width::w32)
        return __builtin_bswap32(static_cast<uint32_t>(value));
    else if constexpr (W == width::w64)
        return __builtin_bswap64(value);
    else
        return static_cast<uint8_t>(value);
}

/// The low W bits of `value`, zero-extended.
template <width W>
[[nodiscard]] constexpr uint64_t zero_extend(uint64_t value) noexcept {
    if constexpr (W == width::w64)
        return value;
    else
        return value & ((uint64_t{1} << bits_of(W)) - 1);
}

/// The low W bits of `value`, sign-extended to 64.
template <width W>
[[nodiscard]] constexpr uint64_t sign_extend(uint64_t value) noexcept {
    if constexpr (W == width::w8)
        return static_cast<uint64_t>(int64_t{static_cast<int8_t>(value)});
    else if constexpr (W == width::w16)
        return static_cast<uint64_t>(int64_t{static_cast<int16_t>(value)});
    else if constexpr (W == width::w32)
        return static_cast<uint64_t>(int64_t{static_cast<int32_t>(value)});
    else
        return value;
}

/// dst = Op value: negation, sign extension, byte order. For byte order W is how many bits are
/// kept; eBPF programs are little-endian here, so `le` truncates and `be` swaps.
template <operation Op, width W>
[[nodiscard]] constexpr uint64_t convert(uint64_t value) noexcept {
    if constexpr (Op == operation::neg)
        return zero_extend<W>(uint64_t{0} - value);
    else if constexpr (Op == operation::movsx8)
        return zero_extend<W>(sign_extend<width::w8>(value));
    else if constexpr (Op == operation::movsx16)
        return zero_extend<W>(sign_extend<width::w16>(value));
    else if constexpr (Op == operation::movsx32)
        return zero_extend<W>(sign_extend<width::w32>(value));
    else if constexpr (Op == operation::le)
        return zero_extend<W>(value);
    else {
        static_assert(Op == operation::be || Op == operation::bswap, "not a conversion");
        return swap_bytes<W>(value);
    }
}

/// Whether a branch Op on the low W bits of a and b is taken.
template <operation Op, width W>
[[nodiscard]] constexpr bool is_taken(uint64_t a, uint64_t b) noexcept {
    static_assert(W == width::w32 || W == width::w64);
    const uint64_t ua = zero_extend<W>(a);
    const uint64_t ub = zero_extend<W>(b);
    const auto sa = static_cast<int64_t>(sign_extend<W>(a));
    const auto sb = static_cast<int64_t>(sign_extend<W>(b));
    if constexpr (Op == operation::jeq)
        return ua == ub;
    else if constexpr (Op == operation::jne)
        return ua != ub;
    else if constexpr (Op == operation::jgt)
        return ua > ub;
    else if constexpr (Op == operation::jge)
        return ua >= ub;
    else if constexpr (Op == operation::jlt)
        return ua < ub;
    else if constexpr (Op == operation::jle)
        return ua <= ub;
    else if constexpr (Op == operation::jsgt)
        return sa > sb;
    else if constexpr (Op == operation::jsge)
        return sa >= sb;
    else if constexpr (Op == operation::jslt)
        return sa < sb;
    else if constexpr (Op == operation::jsle)
        return sa <= sb;
    else {
        static_assert(Op == operation::jset, "not a comparing branch");
        return (ua & ub) != 0;
    }
}

}  // namespace bpftime::vm::isa
