// bpftime-vm: every benchmark program gives the expected answer natively, again and again
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "inputs.hpp"
#include "native.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

namespace bpftime::vm::benchmark {
namespace {

struct program : testing::TestWithParam<native_program> {};

/// Runs twice on one memory, as a benchmark does, and compares all that the table promises.
void expect_answer(native_entry entry, const program_input &expected) {
    auto memory = make_input(expected.name);
    ASSERT_EQ(memory.size(), expected.size);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 8, 0U);
    for (int run = 1; run <= 2; run++) {
        EXPECT_EQ(entry(memory.data(), memory.size()), expected.result) << "run " << run;
        EXPECT_EQ(fnv1a64(memory), expected.memory_hash) << "run " << run;
    }
}

TEST_P(program, answers_as_the_table_says) {
    const program_input *expected = find_program_input(GetParam().name);
    ASSERT_NE(expected, nullptr);
    EXPECT_EQ(fnv1a64(make_input(expected->name)) != expected->memory_hash, expected->mutates);
    {
        SCOPED_TRACE("clang -O2");
        expect_answer(GetParam().o2, *expected);
    }
    {
        SCOPED_TRACE("clang -O3 -march=native");
        expect_answer(GetParam().o3, *expected);
    }
}

std::string program_name(const testing::TestParamInfo<native_program> &info) {
    return std::string(info.param.name);
}
INSTANTIATE_TEST_SUITE_P(all, program, testing::ValuesIn(native_programs), program_name);

TEST(inputs, table_and_list_of_programs_agree) {
    std::vector<std::string_view> listed, in_table;
    std::ranges::transform(native_programs, std::back_inserter(listed), &native_program::name);
    std::ranges::transform(program_inputs(), std::back_inserter(in_table), &program_input::name);
    EXPECT_EQ(in_table, listed);
    EXPECT_GE(listed.size(), 43U);
}

TEST(inputs, every_program_has_its_ebpf_objects) {
    for (const auto &input : program_inputs()) {
        for (const char *version : {"v3", "v4"}) {
            const auto path = std::filesystem::path(BENCH_OBJECT_DIRECTORY) / version /
                              (std::string(input.name) + ".bpf.o");
            EXPECT_TRUE(std::filesystem::exists(path)) << path;
        }
    }
}

TEST(inputs, sizes_fit_every_engine) {
    for (const auto &input : program_inputs()) {
        EXPECT_EQ(input.size % 8, 0U) << input.name;
        EXPECT_LE(input.size, 65'536U) << input.name;
    }
}

TEST(inputs, no_two_programs_share_a_result) {
    std::vector<std::uint64_t> results;
    std::ranges::transform(program_inputs(), std::back_inserter(results), &program_input::result);
    std::ranges::sort(results);
    EXPECT_EQ(std::ranges::adjacent_find(results), results.end());
}

TEST(inputs, unknown_program_has_none) {
    EXPECT_EQ(find_program_input("no_such_program"), nullptr);
    EXPECT_TRUE(make_input("no_such_program").empty());
}

}  // namespace
}  // namespace bpftime::vm::benchmark
