// bpftime-vm: division by constants as multiplication
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// T. Granlund, P. Montgomery: Division by invariant integers using multiplication (1994).
#pragma once

#include <bit>
#include <cstdint>

namespace bpftime::vm::ubpf {

__extension__ using uint128 = unsigned __int128;

/// How n / divisor is computed for all n of 64 bits: high(n * factor) >> shift, and if `adds`, with
/// t = high(n * factor): (((n - t) >> 1) + t) >> shift.
struct unsigned_reciprocal {
    uint64_t factor;
    unsigned shift;
    bool adds;
};

/// For divisors that are at least 3 and no power of two.
[[nodiscard]] constexpr unsigned_reciprocal reciprocal(uint64_t divisor) noexcept {
    const unsigned log = 63U - static_cast<unsigned>(std::countl_zero(divisor));  // floor
    const uint128 power = uint128{1} << (64 + log);
    const auto proposed = static_cast<uint64_t>(power / divisor);
    const auto rest = static_cast<uint64_t>(power - uint128{proposed} * divisor);
    // 64 bits are precise enough if what is missing is small.
    if (divisor - rest < uint64_t{1} << log) return {proposed + 1, log, false};
    const uint64_t twice = rest + rest;
    const bool is_more = twice >= divisor or twice < rest;
    return {2 * proposed + (is_more ? 1 : 0) + 1, log, true};
}

/// The same for n of 32 bits: high(n * factor) with 64-bit factors is exact.
[[nodiscard]] constexpr uint64_t reciprocal32(uint32_t divisor) noexcept {
    return ~uint64_t{0} / divisor + 1;
}

/// How n / divisor is computed for signed n of `Bits` bits: with t = high(n * factor), plus n if
/// `adds`, minus n if `subtracts`: (t >> shift) + (t < 0 ? 1 : 0).
struct signed_reciprocal {
    int64_t factor;
    unsigned shift;
    bool adds;
    bool subtracts;
};

/// For divisors whose absolute value is at least 3 and no power of two. 64 bits.
[[nodiscard]] constexpr signed_reciprocal signed_reciprocal_of(int64_t divisor) noexcept {
    const uint64_t size =
        divisor < 0 ? 0 - static_cast<uint64_t>(divisor) : static_cast<uint64_t>(divisor);
    const unsigned log = 63U - static_cast<unsigned>(std::countl_zero(size));
    // The smallest factor with enough precision; one bit more than unsigned ones have is left.
    const uint128 power = uint128{1} << (63 + log);
    auto proposed = static_cast<uint64_t>(power / size);
    const auto rest = static_cast<uint64_t>(power - uint128{proposed} * size);
    unsigned shift = log - 1;
    if (size - rest >= uint64_t{1} << log) {
        const uint64_t twice = rest + rest;
        proposed = 2 * proposed + (twice >= size or twice < rest ? 1 : 0);
        shift = log;
    }
    const auto factor = static_cast<int64_t>(proposed + 1);
    return {divisor < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(factor)) : factor, shift,
            divisor > 0 and factor < 0, divisor < 0 and factor < 0};
}

}  // namespace bpftime::vm::ubpf
