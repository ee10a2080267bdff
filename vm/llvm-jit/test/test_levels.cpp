// bpftime-vm: all optimisation levels give the interpreter's answers and faults
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <vector>

namespace bpftime::vm::llvm_jit::test {

namespace {

struct case_of_levels {
    const char *name;
    const char *assembly;
    uint64_t limit = 10'000;
};

constexpr auto programs = std::to_array<case_of_levels>({
    {"arithmetic",
     "mov %r0, 7\nlddw %r3, 0x123456789abcdef\nmul %r0, %r3\nsdiv %r0, -3\nmod32 %r0, 1000\n"
     "arsh %r3, 7\nxor %r0, %r3\nexit"},
    {"checksum",
     "mov %r0, 0\nagain: ldxh %r3, [%r1]\nadd %r0, %r3\nadd %r1, 2\nsub %r2, 2\n"
     "jsgt %r2, 0, again\nmov %r3, %r0\nrsh %r3, 16\nand %r0, 0xffff\nadd %r0, %r3\nexit"},
    {"stores_a_prefix_then_leaves_memory",
     "mov %r3, 0\nagain: mov %r4, %r1\nadd %r4, %r3\nstxb [%r4], %r3\nadd %r3, 1\n"
     "jlt %r3, 100, again\nmov %r0, 0\nexit"},
    {"reads_far_away", "ldxw %r0, [%r1+1000]\nexit"},
    {"reads_before_memory", "ldxb %r0, [%r1-1]\nexit"},
    {"leaves_the_frame", "stdw [%r10-516], 1\nmov %r0, 0\nexit"},
    {"leaves_the_frame_by_variable",
     "mov %r3, %r10\nagain: sub %r3, 8\nstdw [%r3], 1\nsub %r2, 0\nja again\nexit"},
    {"runs_forever", "mov %r0, 0\nagain: add %r0, 1\nja again\nexit"},
    {"pays_more_than_a_slice", "mov %r0, 0\nagain: add %r0, 1\njlt %r0, 1000000, again\nexit",
     (uint64_t{3} << 20) + 12345},
    {"spends_more_than_a_slice", "mov %r0, 0\nagain: add %r0, 1\njlt %r0, 9000000, again\nexit",
     (uint64_t{3} << 20) + 12345},
    {"nests_loops",
     "mov %r0, 0\nmov %r6, 30\nouter: mov %r7, %r6\ninner: add %r0, %r7\nsub %r7, 1\n"
     "jne %r7, 0, inner\nsub %r6, 1\njne %r6, 0, outer\nexit"},
    {"recurses_too_deep", "call local f\nexit\nf: call local f\nadd %r0, 1\nexit"},
    {"recurses",
     "mov %r1, 6\ncall local f\nexit\nf: jle %r1, 1, end\nmov %r6, %r1\nsub %r1, 1\n"
     "call local f\nmul %r0, %r6\nexit\nend: mov %r0, 1\nexit"},
    {"calls_nothing", "mov %r3, 77\ncallx %r3\nexit"},
    {"misaligned", "mov %r0, 1\nlock add [%r1+3], %r0\nexit"},
    {"passes_its_frame",
     "stdw [%r10-8], 3\nmov %r1, %r10\nadd %r1, -8\ncall local f\nldxdw %r0, [%r10-8]\nexit\n"
     "f: ldxdw %r2, [%r1]\nmul %r2, 14\nstxdw [%r1], %r2\nmov %r0, 0\nexit"},
    {"may_goto", "mov %r0, 0\nagain: may_goto end\nadd %r0, 1\nja again\nend: exit", 0},
    {"legacy_packet", "ldabsw 4\nmov %r6, %r0\nldabsh 63\nmov %r0, %r6\nexit"},
    {"counts_bits",
     "mov %r0, 0\nagain: add %r0, 1\nmov %r3, %r2\nsub %r3, 1\nand %r2, %r3\n"
     "jne %r2, 0, again\nexit"},
    {"fills_its_frame",
     "mov %r3, %r10\nmov %r0, 0\nagain: sub %r3, 8\nadd %r0, 3\nstxdw [%r3], %r0\n"
     "jlt %r0, 192, again\nldxdw %r0, [%r10-8]\nldxdw %r4, [%r10-512]\nlsh %r4, 8\n"
     "add %r0, %r4\nldxdw %r4, [%r10-504]\nxor %r0, %r4\nexit"},
    {"cmpxchg",
     "ldxdw %r0, [%r1]\nmov %r2, 5\nlock cmpxchg [%r1], %r2\nldxdw %r3, [%r1]\n"
     "add %r0, %r3\nexit"},
});

/// What a host sees of a run.
struct seen {
    int64_t code = 0;
    int64_t r0 = 0;
    std::vector<uint64_t> fault;  ///< without the address
    std::array<uint8_t, 64> memory{};

    friend bool operator==(const seen &, const seen &) = default;
    friend std::ostream &operator<<(std::ostream &out, const seen &s) {
        out << "code " << s.code << ", r0 " << s.r0 << ", fault";
        for (const uint64_t word : s.fault) out << ' ' << word;
        return out;
    }
};

/// `small`: code of another CPU than this machine, and small.
seen run_at(const case_of_levels &c, const char *backend, uint32_t level, bool small = false) {
    const vm_ptr vm = load(c.assembly, backend);
    EXPECT_EQ(ebpf_set_optimization_level(vm.get(), level), 0);
    if (small) {
        const ebpf_optimize_options options{level, 1, "generic", 0};
        EXPECT_EQ(ebpf_optimize(vm.get(), &options), 0) << ebpf_last_error();
    }
    EXPECT_EQ(ebpf_set_instruction_limit(vm.get(), c.limit), 0);
    seen s;
    for (std::size_t i = 0; i < s.memory.size(); ++i) s.memory[i] = static_cast<uint8_t>(3 * i);
    s.code = ebpf_exec(vm.get(), s.memory.data(), s.memory.size(), &s.r0);
    ebpf_fault f{};
    ebpf_last_fault(&f);
    s.fault = {f.kind, f.pc, f.region, f.region_index, static_cast<uint64_t>(f.offset), f.size};
    return s;
}

class levels : public testing::TestWithParam<case_of_levels> {};

TEST_P(levels, agree_with_the_interpreter) {
    const seen expected = run_at(GetParam(), "ubpf", 0);
    for (uint32_t level = 0; level <= EBPF_MOST_OPTIMIZATION_LEVEL; ++level)
        EXPECT_EQ(run_at(GetParam(), "llvm", level), expected) << "level " << level;
}

TEST_P(levels, agree_with_the_interpreter_if_they_are_small) {
    const seen expected = run_at(GetParam(), "ubpf", 0, true);
    for (uint32_t level = 0; level <= EBPF_MOST_OPTIMIZATION_LEVEL; ++level)
        EXPECT_EQ(run_at(GetParam(), "llvm", level, true), expected) << "level " << level;
}

INSTANTIATE_TEST_SUITE_P(programs, levels, testing::ValuesIn(programs),
                         [](const auto &test) { return test.param.name; });

/// Goes down to the last frame, writing to a slot of each that is not known before the run.
constexpr const char *deepest =
    "mov %r1, %r2\ncall local f\nexit\nf: mov %r6, %r1\nand %r1, 0x38\nmov %r3, %r10\n"
    "sub %r3, %r1\nstxdw [%r3-8], %r6\nmov %r7, %r3\nadd %r6, 1\nmov %r1, %r6\n"
    "jge %r6, 318, end\ncall local f\nend: ldxdw %r1, [%r7-8]\nadd %r0, %r1\nexit";

/// Entry function, and f for 64 to 317: 255 frames, one less or more than the limit.
TEST(recursion, is_as_deep_as_the_limit_whatever_the_frames) {
    for (const uint32_t stack_size : {64U, 512U, 4096U, EBPF_MOST_STACK_SIZE}) {
        for (const uint32_t depth : {254U, 255U, 256U}) {
            std::vector<std::pair<int64_t, uint64_t>> outcomes;
            for (const char *const backend : {"ubpf", "llvm"}) {
                const vm_ptr vm = load(deepest, backend);
                ASSERT_EQ(ebpf_set_stack_size(vm.get(), stack_size), 0);
                ASSERT_EQ(ebpf_set_call_depth(vm.get(), depth), 0);
                std::array<uint8_t, 64> memory{};
                int64_t r0 = 0;
                outcomes.emplace_back(ebpf_exec(vm.get(), memory.data(), memory.size(), &r0), r0);
                EXPECT_EQ(outcomes.back().first, depth == 254 ? EBPF_ERROR_FAULT : EBPF_OK);
            }
            EXPECT_EQ(outcomes[0], outcomes[1]) << stack_size << " bytes, " << depth << " frames";
        }
    }
}

TEST(optimization_level, beyond_3_is_refused) {
    const vm_ptr vm = load("mov %r0, 1\nexit");
    EXPECT_EQ(ebpf_set_optimization_level(vm.get(), 4), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string{ebpf_last_error()}.find('4'), std::string::npos) << ebpf_last_error();
    EXPECT_EQ(run(vm.get()), 1U);
}

TEST(optimization_level, can_change_between_runs) {
    const vm_ptr vm = load("mov %r0, %r2\nmul %r0, 3\nexit");
    std::array<uint8_t, 14> memory{};
    for (const uint32_t level : {3U, 0U, 2U, 1U}) {
        ASSERT_EQ(ebpf_set_optimization_level(vm.get(), level), 0);
        EXPECT_EQ(run(vm.get(), memory.data(), memory.size()), 42U);
    }
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
