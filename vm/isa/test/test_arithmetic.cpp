// bpftime-vm: tests of the arithmetic against the mathematics of RFC 9669, in 128 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/arithmetic.hpp"
#include "wide_integer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <vector>

namespace bpftime::vm::isa::test {

namespace {

using wide = vm::test::wide_integer;  // every operand, product and quotient fits

constexpr wide power(unsigned bits) { return wide{1} << bits; }

/// `value` modulo 2^bits, in 0 .. 2^bits - 1.
wide wrap(wide value, unsigned bits) {
    const wide rest = value % power(bits);
    return rest < 0 ? rest + power(bits) : rest;
}

wide unsigned_value(uint64_t word, unsigned bits) { return wrap(wide{word}, bits); }

wide signed_value(uint64_t word, unsigned bits) {
    const wide value = unsigned_value(word, bits);
    return value >= power(bits - 1) ? value - power(bits) : value;
}

/// Division towards minus infinity: what an arithmetic right shift is.
wide floor_divide(wide a, wide b) { return a / b - (a % b < 0 ? 1 : 0); }

/// What `dst op src` is on `bits` bits before it is cut to them.
wide reference(operation op, unsigned bits, uint64_t dst, uint64_t src) {
    const wide a = unsigned_value(dst, bits), b = unsigned_value(src, bits);
    const wide sa = signed_value(dst, bits), sb = signed_value(src, bits);
    const auto count = static_cast<unsigned>(b % bits);
    switch (op) {
    case operation::add: return a + b;
    case operation::sub: return a - b;
    case operation::mul: {
        // The product of two 64-bit words does not fit: only the low half of one factor at a time.
        const wide low = b % power(32), high = b / power(32);
        return wrap(a * low, bits) + wrap(wrap(a * high, bits) * power(32), bits);
    }
    case operation::div: return b == 0 ? 0 : a / b;
    case operation::sdiv: return sb == 0 ? 0 : sa / sb;
    case operation::mod: return b == 0 ? a : a % b;
    case operation::smod: return sb == 0 ? sa : sa % sb;
    case operation::or_: return a + b - (a & b);
    case operation::and_: return a & b;
    case operation::xor_: return a + b - 2 * (a & b);
    case operation::lsh: return wrap(a, bits - count) * power(count);
    case operation::rsh: return a / power(count);
    case operation::arsh: return floor_divide(sa, power(count));
    case operation::mov: return b;
    default: throw std::logic_error{"not an alu operation"};
    }
}

/// Values around every bound that an operation may have, and some between.
const std::vector<uint64_t> &edge_values() {
    static const auto values = [] {
        std::set<uint64_t> set{
            0x0123456789abcdef, 0xfedcba9876543210, 0xaaaaaaaa55555555, 10, 13, 100};
        for (const unsigned bit :
             {0U, 1U, 4U, 5U, 6U, 7U, 8U, 15U, 16U, 31U, 32U, 33U, 47U, 62U, 63U}) {
            for (const uint64_t around : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
                set.insert((uint64_t{1} << bit) + around);
                set.insert(uint64_t{0} - (uint64_t{1} << bit) + around);
                set.insert((uint64_t{1} << bit) * 0x100000001 + around);
            }
        }
        return std::vector<uint64_t>(set.begin(), set.end());
    }();
    return values;
}

template <operation Op, width W>
void check_alu() {
    constexpr unsigned bits = bits_of(W);
    for (const uint64_t dst : edge_values()) {
        for (const uint64_t src : edge_values()) {
            const auto expected = static_cast<uint64_t>(wrap(reference(Op, bits, dst, src), bits));
            const uint64_t actual = alu<Op, W>(dst, src);
            if (actual == expected) continue;
            FAIL() << fmt::format("{} on {} bits of {:#x} and {:#x} is {:#x}, not {:#x}",
                                  info(Op).name, bits, dst, src, actual, expected);
        }
    }
}

template <operation... Ops>
void check_alu_of() {
    (check_alu<Ops, width::w32>(), ...);
    (check_alu<Ops, width::w64>(), ...);
}

TEST(arithmetic, agrees_with_the_mathematics) {
    using enum operation;
    check_alu_of<add, sub, mul, div, sdiv, mod, smod, or_, and_, xor_, lsh, rsh, arsh, mov>();
}

template <operation Op, width W>
void check_branch(bool (*taken)(wide a, wide b, wide sa, wide sb)) {
    constexpr unsigned bits = bits_of(W);
    for (const uint64_t dst : edge_values()) {
        for (const uint64_t src : edge_values()) {
            const bool expected = taken(unsigned_value(dst, bits), unsigned_value(src, bits),
                                        signed_value(dst, bits), signed_value(src, bits));
            if (is_taken<Op, W>(dst, src) == expected) continue;
            FAIL() << fmt::format("{} on {} bits of {:#x} and {:#x} is not {}", info(Op).name, bits,
                                  dst, src, expected);
        }
    }
}

template <operation Op>
void check_branch_widths(bool (*taken)(wide a, wide b, wide sa, wide sb)) {
    check_branch<Op, width::w32>(taken);
    check_branch<Op, width::w64>(taken);
}

TEST(arithmetic, takes_branches_as_the_mathematics_says) {
    check_branch_widths<operation::jeq>([](wide a, wide b, wide, wide) { return a == b; });
    check_branch_widths<operation::jne>([](wide a, wide b, wide, wide) { return a != b; });
    check_branch_widths<operation::jgt>([](wide a, wide b, wide, wide) { return a > b; });
    check_branch_widths<operation::jge>([](wide a, wide b, wide, wide) { return a >= b; });
    check_branch_widths<operation::jlt>([](wide a, wide b, wide, wide) { return a < b; });
    check_branch_widths<operation::jle>([](wide a, wide b, wide, wide) { return a <= b; });
    check_branch_widths<operation::jsgt>([](wide, wide, wide sa, wide sb) { return sa > sb; });
    check_branch_widths<operation::jsge>([](wide, wide, wide sa, wide sb) { return sa >= sb; });
    check_branch_widths<operation::jslt>([](wide, wide, wide sa, wide sb) { return sa < sb; });
    check_branch_widths<operation::jsle>([](wide, wide, wide sa, wide sb) { return sa <= sb; });
    check_branch_widths<operation::jset>([](wide a, wide b, wide, wide) { return (a & b) != 0; });
}

/// The lowest `bytes` bytes of `value` in the other order.
uint64_t reversed(uint64_t value, unsigned bytes) {
    uint64_t result = 0;
    for (unsigned i = 0; i < bytes; ++i) result = result << 8 | (value >> (8 * i) & 0xff);
    return result;
}

template <operation Op, width W, unsigned FromBits>
void check_sign_extension() {
    for (const uint64_t value : edge_values()) {
        const auto expected =
            static_cast<uint64_t>(wrap(signed_value(value, FromBits), bits_of(W)));
        EXPECT_EQ((convert<Op, W>(value)), expected)
            << fmt::format("{} of {:#x}", info(Op).name, value);
    }
}

TEST(arithmetic, extends_signs) {
    check_sign_extension<operation::movsx8, width::w32, 8>();
    check_sign_extension<operation::movsx16, width::w32, 16>();
    check_sign_extension<operation::movsx8, width::w64, 8>();
    check_sign_extension<operation::movsx16, width::w64, 16>();
    check_sign_extension<operation::movsx32, width::w64, 32>();
}

template <width W>
void check_conversions() {
    for (const uint64_t value : edge_values()) {
        const auto low = static_cast<uint64_t>(unsigned_value(value, bits_of(W)));
        EXPECT_EQ(zero_extend<W>(value), low);
        EXPECT_EQ(sign_extend<W>(value),
                  static_cast<uint64_t>(wrap(signed_value(value, bits_of(W)), 64)));
        EXPECT_EQ(swap_bytes<W>(value), reversed(value, bytes_of(W)));
        if constexpr (W != width::w8) {
            EXPECT_EQ((convert<operation::le, W>(value)), low);
            EXPECT_EQ((convert<operation::be, W>(value)), reversed(value, bytes_of(W)));
            EXPECT_EQ((convert<operation::bswap, W>(value)), reversed(value, bytes_of(W)));
        }
        if constexpr (W == width::w32 or W == width::w64) {
            EXPECT_EQ((convert<operation::neg, W>(value)),
                      static_cast<uint64_t>(wrap(-unsigned_value(value, bits_of(W)), bits_of(W))));
        }
    }
}

TEST(arithmetic, converts) {
    check_conversions<width::w8>();
    check_conversions<width::w16>();
    check_conversions<width::w32>();
    check_conversions<width::w64>();
}

// The cases that go wrong elsewhere, each spelled out; that they are constants proves that none is
// undefined.
using enum operation;
constexpr uint64_t min64 = 0x8000'0000'0000'0000;
constexpr uint64_t minus_one = ~uint64_t{0};

static_assert(alu<div, width::w64>(7, 0) == 0);
static_assert(alu<div, width::w32>(0xffff'ffff'0000'0007, 0x1'0000'0000) == 0,
              "only the low half divides");
static_assert(alu<mod, width::w64>(minus_one, 0) == minus_one);
static_assert(alu<mod, width::w32>(minus_one, 0) == 0xffff'ffff, "the destination, zero-extended");
static_assert(alu<sdiv, width::w64>(min64, minus_one) == min64);
static_assert(alu<sdiv, width::w32>(0x8000'0000, minus_one) == 0x8000'0000);
static_assert(alu<smod, width::w64>(min64, minus_one) == 0);
static_assert(alu<smod, width::w32>(0x8000'0000, minus_one) == 0);
static_assert(alu<sdiv, width::w64>(uint64_t{0} - 13, 3) == uint64_t{0} - 4, "towards zero");
static_assert(alu<smod, width::w64>(uint64_t{0} - 13, 3) == uint64_t{0} - 1,
              "with the sign of the dividend");
static_assert(alu<sdiv, width::w64>(100, 0x1'0000'0000) == 0, "the divisor is not cut to 32 bits");
static_assert(alu<lsh, width::w64>(1, 64) == 1 and alu<lsh, width::w64>(1, 65) == 2);
static_assert(alu<lsh, width::w32>(1, 32) == 1 and alu<lsh, width::w32>(3, 31) == 0x8000'0000);
static_assert(alu<arsh, width::w32>(0x8000'0000, 31) == 0xffff'ffff);
static_assert(alu<mul, width::w32>(0xffff'ffff, 0xffff'ffff) == 1);
static_assert(alu<add, width::w32>(minus_one, 1) == 0);
static_assert(convert<neg, width::w64>(min64) == min64 and
              convert<neg, width::w32>(1) == 0xffff'ffff);
static_assert(is_taken<jsgt, width::w32>(0xffff'ffff'0000'0001, 0x0000'0000'ffff'ffff),
              "1 > -1 in the low halves");

}  // namespace

}  // namespace bpftime::vm::isa::test
