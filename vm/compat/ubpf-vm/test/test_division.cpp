// bpftime-vm: division by constants, as a computation and as native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "division.hpp"
#include "isa/arithmetic.hpp"
#include "programs.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

namespace bpftime::vm::ubpf::test {

namespace {

uint64_t high(uint64_t a, uint64_t b) { return static_cast<uint64_t>(uint128{a} * b >> 64); }

uint64_t divide(uint64_t n, const unsigned_reciprocal &r) {
    const uint64_t t = high(n, r.factor);
    return (r.adds ? ((n - t) >> 1) + t : t) >> r.shift;
}

int64_t divide(int64_t n, const signed_reciprocal &r) {
    __extension__ using int128 = __int128;
    auto t = static_cast<uint64_t>(int128{n} * r.factor >> 64);
    if (r.adds) t += static_cast<uint64_t>(n);
    if (r.subtracts) t -= static_cast<uint64_t>(n);
    return (static_cast<int64_t>(t) >> r.shift) + (static_cast<int64_t>(t) < 0 ? 1 : 0);
}

/// Numbers at which rounding goes wrong, and others.
std::vector<uint64_t> numbers(uint64_t divisor) {
    std::vector<uint64_t> all{0,
                              1,
                              2,
                              ~uint64_t{0},
                              ~uint64_t{0} - 1,
                              uint64_t{1} << 63,
                              (uint64_t{1} << 63) - 1,
                              uint64_t{1} << 32,
                              (uint64_t{1} << 32) - 1,
                              (uint64_t{1} << 31),
                              (uint64_t{1} << 31) - 1};
    std::mt19937_64 random{divisor};
    for (int i = 0; i < 40; ++i) {
        const uint64_t multiple = random() / divisor * divisor;
        for (const uint64_t n : {multiple - 1, multiple, multiple + 1}) all.push_back(n);
        all.push_back(random() >> (random() % 64));
        all.push_back(0 - (random() >> (random() % 64)));
    }
    return all;
}

std::vector<int32_t> divisors() {
    std::vector<int32_t> all;
    for (int32_t d = -40; d <= 40; ++d) all.push_back(d);
    for (unsigned bit = 5; bit < 32; ++bit) {
        for (const uint32_t near : {0U, 1U, ~0U}) {
            const auto d = static_cast<int32_t>((1U << bit) + near);
            all.push_back(d);
            all.push_back(static_cast<int32_t>(0 - static_cast<uint32_t>(d)));
        }
    }
    std::mt19937 random{7};  // NOLINT: the same each time
    for (int i = 0; i < 60; ++i) all.push_back(static_cast<int32_t>(random()));
    return all;
}

bool has_reciprocal(uint64_t size) { return size >= 3 and not std::has_single_bit(size); }

}  // namespace

TEST(division, by_reciprocals_is_exact) {
    for (const int32_t imm : divisors()) {
        const auto d = static_cast<uint64_t>(int64_t{imm});
        for (const uint64_t n : numbers(d == 0 ? 1 : d)) {
            if (has_reciprocal(d)) {
                EXPECT_EQ(divide(n, reciprocal(d)), n / d) << n << " / " << d;
            }
            const auto narrow = static_cast<uint32_t>(imm);
            const auto n32 = static_cast<uint32_t>(n);
            if (has_reciprocal(narrow)) {
                EXPECT_EQ(high(n32, reciprocal32(narrow)), n32 / narrow) << n32 << " / " << narrow;
            }
            const uint64_t size = imm < 0 ? 0 - d : d;
            if (has_reciprocal(size)) {
                const auto sn = static_cast<int64_t>(n);
                EXPECT_EQ(divide(sn, signed_reciprocal_of(imm)), sn / imm) << sn << " / " << imm;
            }
        }
    }
}

/// Every form of division by a constant, of numbers that the code does not know.
TEST(division, as_native_code_is_exact) {
    using isa::operation;
    using isa::width;
    for (const int32_t d : divisors()) {
        const std::string program = fmt::format(R"(
            ldxdw r3, [r1]
            mov r0, r3
            mov r4, r3
            mov r6, r3
            div r0, {0}
            mod r3, {0}
            sdiv r4, {0}
            smod r6, {0}
            stxdw [r1+8], r0
            stxdw [r1+16], r3
            stxdw [r1+24], r4
            stxdw [r1+32], r6
            ldxdw r0, [r1]
            mov r3, r0
            mov r8, r0
            mov r5, r0
            div32 r0, {0}
            mod32 r3, {0}
            sdiv32 r8, {0}
            smod32 r5, {0}
            stxdw [r1+40], r0
            stxdw [r1+48], r3
            stxdw [r1+56], r8
            stxdw [r1+64], r5
            exit)",
                                                d);
        ebpf_vm vm{"ubpf-jit"};
        const auto code = vm::test::assemble(program);
        ASSERT_EQ(vm.load_code(code.data(), code.size()), 0) << vm.error_message();
        const auto b = static_cast<uint64_t>(int64_t{d});
        for (const uint64_t n : numbers(b == 0 ? 1 : b)) {
            std::array<uint64_t, 9> memory{n};
            int64_t r0 = 0;
            ASSERT_EQ(vm.exec(memory.data(), sizeof memory, r0), 0) << vm.error_message();
            const std::array<uint64_t, 9> expected{
                n,
                isa::alu<operation::div, width::w64>(n, b),
                isa::alu<operation::mod, width::w64>(n, b),
                isa::alu<operation::sdiv, width::w64>(n, b),
                isa::alu<operation::smod, width::w64>(n, b),
                isa::alu<operation::div, width::w32>(n, b),
                isa::alu<operation::mod, width::w32>(n, b),
                isa::alu<operation::sdiv, width::w32>(n, b),
                isa::alu<operation::smod, width::w32>(n, b),
            };
            ASSERT_EQ(memory, expected) << n << " by " << d;
        }
    }
}

}  // namespace bpftime::vm::ubpf::test
