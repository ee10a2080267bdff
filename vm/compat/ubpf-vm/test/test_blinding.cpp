// bpftime-vm: constants that a program chooses are not in its native code, if they are to be hidden
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generator.hpp"
#include "programs.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace bpftime::vm::ubpf::test {

namespace {

constexpr int32_t chosen = 0x1badcafe;

/// Every instruction that has an operand of 32 bits in it.
std::vector<std::string> instructions() {
    std::vector<std::string> all;
    for (const char *const name :
         {"add", "sub", "mul", "div", "sdiv", "mod", "smod", "or", "and", "xor", "mov"}) {
        for (const char *const width : {"", "32"})
            all.push_back(fmt::format("{}{} r6, {}", name, width, chosen));
    }
    for (const char *const name :
         {"jeq", "jne", "jgt", "jge", "jlt", "jle", "jsgt", "jsge", "jslt", "jsle", "jset"}) {
        for (const char *const width : {"", "32"})
            all.push_back(fmt::format("{}{} r6, {}, +1", name, width, chosen));
    }
    for (const char *const name : {"stw", "stdw"})
        all.push_back(fmt::format("{} [r1], {}", name, chosen));
    for (const char *const size : {"b", "h", "w"}) {
        all.push_back(fmt::format("ldabs{} {}", size, chosen));
        all.push_back(fmt::format("ldind{} r6, {}", size, chosen));
    }
    return all;
}

/// The instruction between some that make its operands known to nobody, and use its result.
std::vector<uint8_t> program_with(const std::string &instruction) {
    return vm::test::assemble("ldxdw r6, [r1]\n" + instruction +
                              "\nstxdw [r1], r6\nmov r7, r0\nexit");
}

/// The native code.
std::vector<std::byte> code_of(const std::vector<uint8_t> &bytes, std::optional<uint64_t> seed,
                               bool checks) {
    compat::vm_config config;
    config.blinding_seed = seed;
    config.bounds_checks = checks;
    const auto code = program::load(bytes, {});
    if (not code) throw std::runtime_error{code.error().message};
    const auto linked = compat::linkage::resolve(*code, config);
    const std::atomic<uint32_t> interrupts = 0;
    generator maker;
    ubpf::native_code out;
    if (not maker.generate({*code, *linked, config, interrupts, {config.regions, {}}},
                           machine_features::of_host(), nullptr, out))
        throw std::runtime_error{"no code"};
    const auto made = maker.code().bytes();
    return {made.begin(), made.end()};
}

bool holds(const std::vector<std::byte> &code, int32_t value) {
    const auto pattern = std::bit_cast<std::array<std::byte, 4>>(value);
    return std::ranges::search(code, pattern).begin() != code.end();
}

}  // namespace

TEST(blinding, hides_every_constant_of_32_bits) {
    unsigned shown = 0;
    const auto all = instructions();
    for (const std::string &instruction : all) {
        const auto bytes = program_with(instruction);
        // Divisions by constants are multiplications by others.
        shown += holds(code_of(bytes, std::nullopt, true), chosen) ? 1 : 0;
        for (const bool checks : {true, false}) {
            for (const uint64_t seed : {1, 2, 3})
                EXPECT_FALSE(holds(code_of(bytes, seed, checks), chosen)) << instruction;
        }
    }
    EXPECT_GT(shown, all.size() / 2) << "else the test sees nothing";
}

TEST(blinding, hides_both_halves_of_wide_constants) {
    for (const uint64_t value :
         std::initializer_list<uint64_t>{0x1badcafe2badcafe, 0x1badcafe, 0xffffffff9badcafe}) {
        const auto bytes = vm::test::assemble("lddw r0, " + std::to_string(value) + "\nexit");
        const auto low = static_cast<int32_t>(value);
        const auto high = static_cast<int32_t>(value >> 32);
        EXPECT_TRUE(holds(code_of(bytes, std::nullopt, true), low));
        EXPECT_FALSE(holds(code_of(bytes, 1, true), low));
        if (high == 0 or high == -1) continue;
        EXPECT_FALSE(holds(code_of(bytes, 1, true), high));
    }
}

TEST(blinding, is_another_with_each_seed) {
    const auto bytes = vm::test::assemble("mov r0, 0x1badcafe\nexit");
    EXPECT_EQ(code_of(bytes, 1, true), code_of(bytes, 1, true));
    EXPECT_NE(code_of(bytes, 1, true), code_of(bytes, 2, true));
}

}  // namespace bpftime::vm::ubpf::test
