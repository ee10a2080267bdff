// bpftime-vm: ebpf_optimize(): which CPU code is for, and code that is small
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

#include <array>
#include <cstdlib>
#include <numeric>

namespace bpftime::vm::llvm_jit::test {

namespace {

using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// Sums the words of the input memory.
constexpr const char *sums_words =
    "mov %r0, 0\nrsh %r2, 2\njeq %r2, 0, end\n"
    "again: ldxw %r3, [%r1]\nadd %r0, %r3\nadd %r1, 4\nsub %r2, 1\njne %r2, 0, again\nend: exit";

ebpf_optimize_options options_with(const char *cpu, bool prefers_size = false) {
    ebpf_optimize_options options = EBPF_OPTIMIZE_DEFAULTS;
    options.cpu = cpu;
    options.prefer_size = prefers_size ? 1 : 0;
    return options;
}

/// The sum of 1 to 64, as this VM has it.
uint64_t sum_of(ebpf_vm *vm) {
    std::array<uint32_t, 64> words{};
    std::iota(words.begin(), words.end(), 1U);
    return run(vm, words.data(), sizeof words);
}
constexpr uint64_t sum = 64 * 65 / 2;

/// What the assembly text of a compilation is.
std::string assembly_of(ebpf_vm *vm) {
    setenv("LLVM_JIT_DUMP_ASM", "1", 1);
    testing::internal::CaptureStderr();
    EXPECT_NE(ebpf_compile(vm, nullptr), nullptr) << ebpf_last_error();
    unsetenv("LLVM_JIT_DUMP_ASM");
    return testing::internal::GetCapturedStderr();
}

// --- size

TEST(prefer_size, makes_one_loop_without_vectors) {
    const auto machine = make_machine();
    if (machine == nullptr) GTEST_SKIP() << "this LLVM has no x86 target";
    const linked_program p{sums_words};
    const auto loads_of = [&](bool for_size) {
        llvm::LLVMContext context;
        const auto module = p.optimize(context, *machine, {.for_size = for_size});
        EXPECT_TRUE(is_valid(*module));
        unsigned all = 0;
        unsigned vectors = 0;
        for (const llvm::Instruction &i : llvm::instructions(*module->getFunction("bpf_main"))) {
            if (not llvm::isa<llvm::LoadInst>(i)) continue;
            ++all;
            vectors += i.getType()->isVectorTy() ? 1U : 0U;
        }
        return std::pair{all, vectors};
    };
    EXPECT_EQ(loads_of(true), (std::pair{1U, 0U}));
    EXPECT_GT(loads_of(false).first, 1U) << "so this can fail";
    EXPECT_GT(loads_of(false).second, 0U);
}

TEST(prefer_size, merges_checks_only_if_that_is_smaller) {
    const auto machine = make_machine();
    if (machine == nullptr) GTEST_SKIP() << "this LLVM has no x86 target";
    const auto merged = [&](std::string_view assembly, bool for_size) {
        const linked_program p{assembly};
        llvm::LLVMContext context;
        const auto module = p.optimize(context, *machine, {.for_size = for_size});
        return p.counted().of(counter::check_merging);
    };
    constexpr std::string_view in_a_row =
        "ldxw %r6, [%r1]\nadd %r6, %r1\nldxw %r0, [%r6+8]\nldxw %r2, [%r6+16]\n"
        "add %r0, %r2\nexit";
    EXPECT_EQ(merged(in_a_row, true), 2U);
    constexpr std::string_view behind_a_condition =
        "ldxw %r6, [%r1]\nadd %r6, %r1\nldxh %r0, [%r6+12]\njne %r0, 8, end\n"
        "ldxb %r0, [%r6+23]\nend: exit";
    EXPECT_EQ(merged(behind_a_condition, true), 0U);
    EXPECT_EQ(merged(behind_a_condition, false), 2U);
}

TEST(prefer_size, makes_smaller_machine_code_that_gives_the_same) {
    const vm_ptr vm = load(sums_words);
    EXPECT_EQ(sum_of(vm.get()), sum);
    const auto fast = stats_of(vm.get());
    const auto small = options_with(nullptr, true);
    ASSERT_EQ(ebpf_optimize(vm.get(), &small), EBPF_OK) << ebpf_last_error();
    EXPECT_EQ(sum_of(vm.get()), sum);
    EXPECT_LT(stats_of(vm.get()).at("code-bytes"), fast.at("code-bytes") / 2);
    EXPECT_EQ(stats_of(vm.get()).at("loop-budgets"), 0U);
    ASSERT_EQ(ebpf_optimize(vm.get(), nullptr), EBPF_OK);
    EXPECT_EQ(sum_of(vm.get()), sum);
    EXPECT_EQ(stats_of(vm.get()), fast) << "NULL: as by default";
}

// --- CPU

TEST(cpu, that_is_unknown_is_refused_by_name) {
    const vm_ptr vm = load(sums_words);
    const auto options = options_with("x86-65");
    EXPECT_EQ(ebpf_optimize(vm.get(), &options), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(ebpf_last_error(), ContainsRegex("^CPU 'x86-65' is none that LLVM .* knows for "));
    EXPECT_EQ(sum_of(vm.get()), sum) << "it is as it was";
}

TEST(cpu, that_is_refused_changes_no_other_option) {
    const vm_ptr vm = load(sums_words);
    EXPECT_EQ(sum_of(vm.get()), sum);
    const auto before = stats_of(vm.get());
    auto options = options_with("x86-65", true);
    options.level = 0;
    EXPECT_LT(ebpf_optimize(vm.get(), &options), 0);
    EXPECT_EQ(stats_of(vm.get()), before) << "nor does it drop what is compiled";
}

TEST(cpu, generic_is_one_of_every_machine) {
    const vm_ptr vm = load(sums_words);
    const auto options = options_with("generic");
    ASSERT_EQ(ebpf_optimize(vm.get(), &options), EBPF_OK) << ebpf_last_error();
    EXPECT_EQ(sum_of(vm.get()), sum);
}

TEST(cpu, is_not_mixed_up_between_programs) {
    const vm_ptr own = load(sums_words);
    ASSERT_NE(ebpf_compile(own.get(), nullptr), nullptr);
    const auto options = options_with("generic");
    for (int n = 0; n < 3; ++n) {
        const vm_ptr other = load(sums_words);
        ASSERT_EQ(ebpf_optimize(other.get(), &options), EBPF_OK);
        ASSERT_NE(ebpf_compile(other.get(), nullptr), nullptr);
        const vm_ptr same = load(sums_words);
        ASSERT_NE(ebpf_compile(same.get(), nullptr), nullptr);
        EXPECT_EQ(stats_of(same.get()), stats_of(own.get())) << "generators are used again";
    }
}

#ifdef __x86_64__

TEST(cpu, x86_64_has_no_wide_vectors) {
    const auto uses_wide_vectors = AnyOf(HasSubstr("%ymm"), HasSubstr("%zmm"));
    const vm_ptr vm = load(sums_words);
    const std::string own = assembly_of(vm.get());
    for (const char *const name : {"x86-64", "x86-64-v2"}) {
        const auto options = options_with(name);
        ASSERT_EQ(ebpf_optimize(vm.get(), &options), EBPF_OK) << ebpf_last_error();
        const std::string text = assembly_of(vm.get());
        EXPECT_THAT(text, HasSubstr("%xmm")) << name;
        EXPECT_THAT(text, Not(uses_wide_vectors)) << name;
        EXPECT_THAT(text, Not(HasSubstr("\tvp"))) << name;
        EXPECT_EQ(sum_of(vm.get()), sum) << name;
    }
    if (not __builtin_cpu_supports("avx2")) GTEST_SKIP() << "this machine has no AVX2 either";
    EXPECT_THAT(own, uses_wide_vectors) << "so this can fail";
}

/// No machine has both AMD's XOP and Intel's AMX.
TEST(cpu, of_another_machine_is_refused_with_what_is_missing) {
    const vm_ptr vm = load(sums_words);
    unsigned refused = 0;
    for (const char *const name : {"bdver4", "sapphirerapids"}) {
        const auto options = options_with(name);
        const int error = ebpf_optimize(vm.get(), &options);
        if (error == EBPF_OK) continue;
        ++refused;
        EXPECT_EQ(error, EBPF_ERROR_UNSUPPORTED);
        EXPECT_THAT(ebpf_last_error(),
                    ContainsRegex(std::string{"^code for CPU '"} + name +
                                  "' cannot run here: this machine has no [a-z0-9.-]+$"));
    }
    EXPECT_GE(refused, 1U);
}

/// LLVM would end the process at an instruction that the CPU has not.
TEST(cpu, without_what_a_body_was_compiled_for_is_an_error) {
    const vm_ptr vm = load("mov %r1, %r2\ncall 1\nexit");
    const std::string body =
        "declare i64 @llvm.x86.sse42.crc32.64.64(i64, i64)\n"
        "define i64 @crc(i64 %a) \"target-features\"=\"+cx8,+mmx,+sse2,+sse4.2,+crc32\" {\n"
        "%r = call i64 @llvm.x86.sse42.crc32.64.64(i64 0, i64 %a)\nret i64 %r }";
    ASSERT_EQ(ebpf_register_helper_bitcode(vm.get(), 1, "crc", body.data(), body.size()), EBPF_OK)
        << ebpf_last_error();
    const auto plain = options_with("x86-64");
    ASSERT_EQ(ebpf_optimize(vm.get(), &plain), EBPF_OK);
    EXPECT_EQ(ebpf_compile(vm.get(), nullptr), nullptr);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("bpf_helper_body_1 was compiled for a CPU with "));
    EXPECT_THAT(ebpf_last_error(), HasSubstr(", which 'x86-64' has not"));
    const auto newer = options_with("x86-64-v2");
    if (ebpf_optimize(vm.get(), &newer) != EBPF_OK) GTEST_SKIP() << "this machine has no SSE 4.2";
    EXPECT_NE(ebpf_compile(vm.get(), nullptr), nullptr) << ebpf_last_error();
}

/// Also one that compilers make of nothing but its name: a body may name it.
TEST(cpu, without_what_a_body_names_is_an_error) {
    const vm_ptr vm = load("call 1\nexit");
    const std::string body =
        "declare { i64, i32 } @llvm.x86.rdrand.64()\n"
        "define i64 @random() \"target-features\"=\"+rdrnd\" {\n"
        "%r = call { i64, i32 } @llvm.x86.rdrand.64()\n"
        "%v = extractvalue { i64, i32 } %r, 0\nret i64 %v }";
    ASSERT_EQ(ebpf_register_helper_bitcode(vm.get(), 1, "random", body.data(), body.size()),
              EBPF_OK)
        << ebpf_last_error();
    const auto plain = options_with("x86-64");
    ASSERT_EQ(ebpf_optimize(vm.get(), &plain), EBPF_OK);
    EXPECT_EQ(ebpf_compile(vm.get(), nullptr), nullptr);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("a CPU with rdrnd, which 'x86-64' has not"));
}

TEST(cpu, of_32_bits_is_refused) {
    const vm_ptr vm = load(sums_words);
    for (const char *const name : {"i386", "pentium4"}) {
        const auto options = options_with(name);
        EXPECT_EQ(ebpf_optimize(vm.get(), &options), EBPF_ERROR_UNSUPPORTED);
        EXPECT_EQ(ebpf_last_error(), std::string{"code for CPU '"} + name +
                                         "' cannot run here: the CPU has no 64-bit mode");
    }
}

#endif

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
