// bpftime-vm: the program generators give the same valid bytecode forever
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generators.hpp"
#include "inputs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace bpftime::vm::benchmark {
namespace {

struct decoded {
    std::uint8_t opcode, dst, src;
    std::int16_t offset;
    std::int32_t imm;
};

std::vector<decoded> decode(const std::vector<std::uint8_t> &bytes) {
    std::vector<decoded> program;
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
        std::uint32_t imm = 0;
        for (std::size_t i = 0; i < 4; i++) {
            imm |= static_cast<std::uint32_t>(bytes[at + 4 + i]) << (8 * i);
        }
        program.push_back({bytes[at], static_cast<std::uint8_t>(bytes[at + 1] & 15),
                           static_cast<std::uint8_t>(bytes[at + 1] >> 4),
                           static_cast<std::int16_t>(bytes[at + 2] | bytes[at + 3] << 8),
                           static_cast<std::int32_t>(imm)});
    }
    return program;
}

const generator &find_generator(std::string_view name) {
    return *std::ranges::find(generators(), name, &generator::name);
}

bool is_exit(const decoded &insn) { return insn.opcode == 0x95; }
bool is_call(const decoded &insn) { return insn.opcode == 0x85; }
bool is_jump(const decoded &insn) {
    return ((insn.opcode & 7) == 5 || (insn.opcode & 7) == 6) && !is_exit(insn) && !is_call(insn);
}
bool is_division(const decoded &insn) {
    const unsigned operation = insn.opcode >> 4;
    return ((insn.opcode & 7) == 4 || (insn.opcode & 7) == 7) &&
           (operation == 0x3 || operation == 0x9);
}

/// Ends in exit, jumps forward and inside, divides by no zero immediate.
void expect_valid_shape(const std::vector<decoded> &program) {
    ASSERT_FALSE(program.empty());
    EXPECT_TRUE(is_exit(program.back()));
    for (std::size_t pc = 0; pc < program.size(); pc++) {
        if (is_jump(program[pc])) {
            ASSERT_GT(program[pc].offset, 0) << "at " << pc;
            ASSERT_LT(pc + 1 + static_cast<std::size_t>(program[pc].offset), program.size());
        }
        if (is_division(program[pc]) && (program[pc].opcode & 8) == 0) {
            ASSERT_NE(program[pc].imm, 0) << "at " << pc;
        }
    }
}

struct golden : testing::TestWithParam<golden_checksum> {};

TEST_P(golden, bytecode_is_that_of_the_table) {
    const auto &row = GetParam();
    const auto bytes = find_generator(row.generator).make(row.n, row.seed);
    EXPECT_EQ(bytes.size(), row.n * 8);
    EXPECT_EQ(fnv1a64(bytes), row.bytes);
    expect_valid_shape(decode(bytes));
}

std::string row_name(const testing::TestParamInfo<golden_checksum> &info) {
    return std::string(info.param.generator) + "_" + std::to_string(info.param.n) + "_seed_" +
           std::to_string(info.param.seed);
}
INSTANTIATE_TEST_SUITE_P(table, golden, testing::ValuesIn(golden_checksums()), row_name);

/// Frames that a call from function to function needs; functions appear after their callers.
std::size_t deepest_call(const std::vector<decoded> &program) {
    std::map<std::size_t, std::size_t> frames{{0, 1}};
    std::size_t current = 1, deepest = 1;
    for (std::size_t pc = 0; pc < program.size(); pc++) {
        if (const auto found = frames.find(pc); found != frames.end()) {
            current = found->second;
        }
        if (is_call(program[pc])) {
            const auto target =
                static_cast<std::size_t>(static_cast<std::int64_t>(pc) + 1 + program[pc].imm);
            EXPECT_GT(target, pc);
            EXPECT_LT(target, program.size());
            EXPECT_TRUE(is_exit(program[target - 1])) << "a function begins after an exit";
            EXPECT_TRUE(frames.emplace(target, current + 1).second) << "called twice: " << target;
            deepest = std::max(deepest, current + 1);
        }
    }
    return deepest;
}

TEST(many_functions, calls_form_a_tree_of_at_most_eight_frames) {
    for (const std::size_t n : {100U, 1000U, 60'000U, 1'000'000U}) {
        const auto depth = deepest_call(decode(many_functions(n, 1)));
        EXPECT_GE(depth, 2U);
        EXPECT_LE(depth, 8U);
    }
    EXPECT_EQ(deepest_call(decode(many_functions(60'000, 1))), 8U);
}

TEST(many_functions, has_a_function_for_every_few_dozen_instructions) {
    const auto program = decode(many_functions(60'000, 1));
    EXPECT_GT(std::ranges::count_if(program, is_call), 60'000 / 40);
}

TEST(branchy, has_a_jump_for_every_dozen_instructions) {
    const auto program = decode(branchy(60'000, 1));
    EXPECT_GT(std::ranges::count_if(program, is_jump), 60'000 / 12);
}

TEST(with_loads, accesses_memory_with_every_third_instruction) {
    const auto program = decode(with_loads(60'000, 1));
    const auto accesses = std::ranges::count_if(program, [](const decoded &insn) {
        return (insn.opcode & 7) >= 1 && (insn.opcode & 7) < 4;
    });
    EXPECT_GT(accesses, 60'000 / 3);
}

TEST(straight_line, repeating_pattern_repeats_every_eight_instructions) {
    const auto program = decode(straight_line(1000, 1, pattern::repeating));
    for (std::size_t pc = 10; pc + 8 < 1000 - 19; pc++) {
        ASSERT_EQ(program[pc].opcode, program[pc + 8].opcode) << "at " << pc;
        ASSERT_EQ(program[pc].imm, program[pc + 8].imm) << "at " << pc;
    }
}

TEST(straight_line, random_pattern_uses_every_alu_opcode) {
    std::map<int, std::size_t> opcodes;
    for (const auto &insn : decode(straight_line(60'000, 1, pattern::random))) {
        opcodes[insn.opcode]++;
    }
    for (int operation = 0; operation <= 0xd; operation++) {
        for (const int source_and_class : {0x4, 0x7, 0xc, 0xf}) {
            const int opcode = operation << 4 | source_and_class;
            // neg takes no register, and the unconditional swap has no register form.
            const bool exists = opcode != 0x8c && opcode != 0x8f && opcode != 0xdf;
            EXPECT_EQ(opcodes[opcode] > 0, exists) << std::hex << opcode;
        }
    }
}

TEST(generators, give_every_length_exactly) {
    for (const auto &each : generators()) {
        for (std::size_t n = min_generated_instructions; n < 300; n++) {
            const auto program = decode(each.make(n, n));
            ASSERT_EQ(program.size(), n) << each.name;
            ASSERT_TRUE(is_exit(program.back())) << each.name << " of " << n;
        }
    }
}

TEST(generators, differ_by_seed) {
    for (const auto &each : generators()) {
        EXPECT_NE(each.make(1000, 1), each.make(1000, 2)) << each.name;
    }
}

TEST(generators, refuse_a_length_that_is_too_small) {
    for (const auto &each : generators()) {
        EXPECT_THROW(static_cast<void>(each.make(99, 1)), std::invalid_argument) << each.name;
    }
    try {
        static_cast<void>(branchy(7, 1));
        FAIL() << "no exception";
    } catch (const std::invalid_argument &error) {
        EXPECT_STREQ(error.what(), "branchy: 7 instructions are too few; ask for at least 100");
    }
}

TEST(generators, input_is_fixed) {
    const auto input = generated_input();
    EXPECT_EQ(input.size(), generated_input_size);
    EXPECT_EQ(fnv1a64(input), 0xb194111d060d1d65U);
}

}  // namespace
}  // namespace bpftime::vm::benchmark
