// bpftime-vm: what the analysis says of the benchmark programs is true of their runs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bpftime_vm_compat.hpp"
#include "facts_engine.hpp"
#include "inputs.hpp"
#include "measured.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace bpftime::vm::benchmark {
namespace {

struct facts_of : testing::TestWithParam<native_program> {
    static void SetUpTestSuite() { test::register_facts_engine(); }
};

/// The engine ends the process where something is not. Programs that loop for long are stopped:
/// their last rounds are like the others.
TEST_P(facts_of, all_instructions_are_true) {
    constexpr uint64_t units = 200'000;
    static const auto programs = load_programs("v4");
    const std::string name{GetParam().name};
    const auto program = std::ranges::find(programs, name, &bench_program::name);
    ASSERT_NE(program, programs.end());
    ebpf_vm vm{test::facts_backend};
    ASSERT_EQ(vm.load_code(program->code.data(), program->code.size()), EBPF_OK);
    ASSERT_EQ(vm.set_limit(compat::vm_limit::instructions, units), EBPF_OK);
    auto memory = make_input(name);
    int64_t r0 = 0;
    if (vm.exec(memory.data(), memory.size(), r0) == EBPF_OK)
        EXPECT_EQ(judge(name, static_cast<uint64_t>(r0), memory), "");
    else
        EXPECT_NE(vm.error_message().find("instruction limit"), std::string::npos)
            << vm.error_message();
}

std::string program_name(const testing::TestParamInfo<native_program> &info) {
    return std::string(info.param.name);
}
INSTANTIATE_TEST_SUITE_P(all, facts_of, testing::ValuesIn(native_programs), program_name);

}  // namespace
}  // namespace bpftime::vm::benchmark
