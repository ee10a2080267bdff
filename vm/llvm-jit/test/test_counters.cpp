// bpftime-vm: each counter of what compiling did, beside the code that shows it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "counters.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

#include <array>
#include <set>

namespace bpftime::vm::llvm_jit::test {

namespace {

/// An optimised program, and what that did.
class counted_program : public testing::Test {
protected:
    void SetUp() override {
        machine_ = make_machine();
        if (machine_ == nullptr) GTEST_SKIP() << "this LLVM has no x86 target";
    }

    /// The counter after compiling the program.
    uint64_t count(counter which, std::string_view assembly,
                   compat::vm_config config = test_config(), const optimizing &how = {}) {
        const linked_program p{assembly, std::move(config)};
        module_ = p.optimize(context_, *machine_, how);
        EXPECT_TRUE(is_valid(*module_));
        return p.counted().of(which);
    }

    template <typename Wanted>
    [[nodiscard]] unsigned instructions(Wanted wanted) const {
        unsigned n = 0;
        for (const llvm::Function &fn : *module_) {
            for (const llvm::Instruction &i : llvm::instructions(fn)) n += wanted(i) ? 1U : 0U;
        }
        return n;
    }

    [[nodiscard]] unsigned calls_of(std::string_view name) const {
        return instructions([&](const llvm::Instruction &i) {
            const auto *const call = llvm::dyn_cast<llvm::CallInst>(&i);
            return call != nullptr and call->getCalledFunction() != nullptr and
                   call->getCalledFunction()->getName() == llvm::StringRef{name};
        });
    }

    /// Loads of the program: what a run begins with does not count.
    [[nodiscard]] unsigned loads() const {
        return instructions([](const llvm::Instruction &i) {
            return llvm::isa<llvm::LoadInst>(i) and
                   not i.hasMetadata(llvm::LLVMContext::MD_invariant_load);
        });
    }

    [[nodiscard]] unsigned allocas() const {
        return instructions(
            [](const llvm::Instruction &i) { return llvm::isa<llvm::AllocaInst>(i); });
    }

    [[nodiscard]] std::string text() const { return to_text(*module_); }

private:
    llvm::LLVMContext context_;
    std::unique_ptr<llvm::TargetMachine> machine_;
    std::unique_ptr<llvm::Module> module_;
};

// --- helper-inlining

TEST_F(counted_program, helper_inlining_counts_calls_that_are_gone) {
    constexpr std::string_view twice = "define i64 @f(i64 %a) { %r = shl i64 %a, 1 ret i64 %r }";
    constexpr std::string_view calls = "mov %r1, %r2\ncall 1\nmov %r1, %r0\ncall 1\nexit";
    compat::vm_config config = test_config();
    config.bitcode.insert_or_assign(1,
                                    compat::helper_bitcode{1, "f", {twice.begin(), twice.end()}});
    EXPECT_EQ(count(counter::helper_inlining, calls, config), 2U);
    EXPECT_EQ(calls_of("bpf_helper_1") + calls_of("bpf_helper_body_1"), 0U) << text();
    EXPECT_EQ(count(counter::helper_inlining, calls), 0U);
    EXPECT_EQ(calls_of("bpf_helper_1"), 2U) << text();
    EXPECT_EQ(count(counter::helper_inlining, "mov %r0, 1\nexit", config), 0U);
}

// --- map-operations

/// Map 5 is an array of `entries` values, or no array if that is 0; helper 6 looks up.
compat::vm_config config_with_map(uint32_t entries) {
    static std::array<uint64_t, 4> values{};
    static ebpf_map_shape shape;
    shape = {};
    shape.key_size = 4;
    shape.value_size = shape.result_size = shape.value_stride = 8;
    shape.permission = EBPF_PERM_READ_WRITE;
    shape.index_count = entries;
    shape.values = reinterpret_cast<uintptr_t>(values.data());
    compat::vm_config config = test_config();
    config.lddw.map_shape = [](uint64_t) { return &shape; };
    ebpf_helper lookup{};
    lookup.id = 6;
    lookup.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{0}; };
    lookup.arguments[0].kind = EBPF_ARG_MAP;
    lookup.arguments[1].kind = EBPF_ARG_MAP_KEY;
    lookup.result = EBPF_RESULT_MAP_VALUE_OR_NULL;
    config.helpers.insert_or_assign(6, compat::helper_binding{lookup, 0});
    return config;
}

TEST_F(counted_program, map_operations_counts_lookups_that_are_gone) {
    constexpr std::string_view looks_up =
        "stw [%r10-4], 1\nmov %r2, %r10\nadd %r2, -4\nlddw %r1, map_by_fd(5)\ncall 6\n"
        "mov %r3, %r0\nmov %r0, 0\njeq %r3, 0, end\nldxw %r0, [%r3]\nend: exit";
    EXPECT_EQ(count(counter::map_operations, looks_up, config_with_map(4)), 1U);
    EXPECT_EQ(calls_of("bpf_helper_6") + calls_of("ebpf_rt_call_helper"), 0U) << text();
    EXPECT_EQ(count(counter::map_operations, looks_up, config_with_map(0)), 0U);
    EXPECT_EQ(calls_of("bpf_helper_6") + calls_of("ebpf_rt_call_helper"), 1U) << text();
}

// --- check-elimination

TEST_F(counted_program, check_elimination_counts_what_is_proven) {
    constexpr std::string_view two_loads =
        "ldxdw %r0, [%r1]\nldxdw %r2, [%r1+8]\nadd %r0, %r2\nexit";
    compat::vm_config config = test_config();
    config.input = ebpf_input{};
    config.input->least_size = 16;
    config.input->permission = EBPF_PERM_READ_WRITE;
    config.input->alignment = 1;
    config.eliminates_checks = true;
    EXPECT_EQ(count(counter::check_elimination, two_loads, config), 2U);
    EXPECT_EQ(calls_of("ebpf_rt_check"), 0U) << text();
    config.eliminates_checks = false;
    EXPECT_EQ(count(counter::check_elimination, two_loads, config), 0U);
    EXPECT_GT(calls_of("ebpf_rt_check"), 0U) << text();
}

TEST_F(counted_program, check_elimination_counts_no_known_place_of_the_frame) {
    compat::vm_config config = test_config();
    config.eliminates_checks = true;
    EXPECT_EQ(
        count(counter::check_elimination, "stxdw [%r10-8], %r2\nldxdw %r0, [%r10-8]\nexit", config),
        0U);
    EXPECT_EQ(count(counter::check_elimination,
                    "and %r2, 0x38\nmov %r3, %r10\nsub %r3, %r2\nstdw [%r3-8], 1\nmov %r0, 0\nexit",
                    config),
              1U)
        << text();
}

// --- check-merging

TEST_F(counted_program, check_merging_counts_loads_in_a_row) {
    EXPECT_EQ(count(counter::check_merging,
                    "ldxw %r6, [%r1]\nadd %r6, %r1\nldxw %r0, [%r6+8]\nldxw %r2, [%r6+16]\n"
                    "add %r0, %r2\nexit"),
              2U)
        << text();
}

TEST_F(counted_program, check_merging_counts_what_comes_behind_conditions) {
    EXPECT_EQ(count(counter::check_merging,
                    "ldxw %r6, [%r1]\nadd %r6, %r1\nldxh %r0, [%r6+12]\njne %r0, 8, end\n"
                    "ldxb %r3, [%r6+23]\njne %r3, 6, end\nldxw %r0, [%r6+26]\nend: exit"),
              3U)
        << text();
}

TEST_F(counted_program, check_merging_counts_no_check_alone) {
    EXPECT_EQ(count(counter::check_merging, "ldxw %r0, [%r1+8]\nexit"), 0U);
    EXPECT_GT(calls_of("ebpf_rt_check"), 0U) << text();
}

// --- loop-budgets

constexpr std::string_view sums_bytes =
    "mov %r0, 0\njeq %r2, 0, end\nagain: ldxb %r3, [%r1]\nadd %r0, %r3\nadd %r1, 1\n"
    "sub %r2, 1\njne %r2, 0, again\nend: exit";

TEST_F(counted_program, loop_budgets_counts_loops_of_known_rounds) {
    EXPECT_EQ(count(counter::loop_budgets, sums_bytes), 1U);
    EXPECT_GT(calls_of("ebpf_rt_top_up"), 0U) << text();
    EXPECT_EQ(count(counter::check_merging, sums_bytes), 1U) << "of all rounds: " << text();
    EXPECT_EQ(count(counter::loop_budgets,
                    "mov %r0, 0\nagain: ldxb %r3, [%r1]\nadd %r1, 1\nadd %r0, 1\n"
                    "jne %r3, 0, again\nexit"),
              0U)
        << "text that ends with 0";
    EXPECT_EQ(calls_of("ebpf_rt_top_up"), 0U) << text();
}

// --- stack-promotion

TEST_F(counted_program, stack_promotion_counts_functions_with_a_frame_in_registers) {
    constexpr std::string_view spills =
        "stxdw [%r10-8], %r2\nmov %r1, %r2\ncall local f\nldxdw %r1, [%r10-8]\nadd %r0, %r1\n"
        "exit\nf: stxdw [%r10-16], %r1\nldxdw %r0, [%r10-16]\nmul %r0, 3\nexit";
    EXPECT_EQ(count(counter::stack_promotion, spills), 2U);
    EXPECT_EQ(allocas(), 0U) << text();
    EXPECT_EQ(count(counter::stack_promotion, "mov %r0, 1\nexit"), 0U) << "it has no frame";
    EXPECT_EQ(count(counter::stack_promotion,
                    "mov %r3, %r10\nadd %r3, -8\nstxdw [%r1], %r3\nstdw [%r10-8], 5\n"
                    "ldxdw %r0, [%r10-8]\nexit"),
              0U)
        << "others know where its frame is";
}

// --- dead-context-fields

TEST_F(counted_program, dead_context_fields_counts_loads_that_are_gone) {
    EXPECT_EQ(count(counter::dead_context_fields, "ldxw %r3, [%r1]\nldxw %r0, [%r1+4]\nexit"), 1U);
    EXPECT_EQ(loads(), 1U) << text();
    EXPECT_GT(calls_of("ebpf_rt_check"), 0U) << "it may fault: " << text();
    EXPECT_EQ(count(counter::dead_context_fields,
                    "ldxw %r3, [%r1]\nldxw %r0, [%r1+4]\nadd %r0, %r3\nexit"),
              0U);
    EXPECT_EQ(loads(), 2U) << text();
}

TEST_F(counted_program, dead_context_fields_counts_what_is_only_spilled_or_goes_around) {
    EXPECT_EQ(count(counter::dead_context_fields,
                    "ldxw %r3, [%r1+8]\nstxdw [%r10-8], %r3\nmov %r0, 1\nexit"),
              1U);
    EXPECT_EQ(loads(), 0U) << text();
    EXPECT_EQ(count(counter::dead_context_fields,
                    "mov %r4, 0\nmov %r0, 0\nagain: ldxw %r3, [%r1+8]\nadd %r4, %r3\nadd %r0, 1\n"
                    "jlt %r0, %r2, again\nexit"),
              1U);
    EXPECT_EQ(loads(), 0U) << text();
}

TEST_F(counted_program, dead_context_fields_counts_no_other_memory) {
    EXPECT_EQ(
        count(counter::dead_context_fields, "ldxdw %r3, [%r1]\nldxw %r4, [%r3]\nmov %r0, 0\nexit"),
        0U)
        << "the packet's, and its check uses the field";
    EXPECT_EQ(loads(), 1U) << text();
}

// --- constant-maps

TEST_F(counted_program, constant_maps_counts_loads_that_are_gone) {
    static constexpr std::array<uint64_t, 2> settings{5, 7};
    constexpr std::string_view reads =
        "lddw %r1, map_val(map_by_fd(5))\nldxw %r0, [%r1]\nldxw %r2, [%r1+8]\nadd %r0, %r2\nexit";
    for (const bool is_constant : {false, true}) {
        static ebpf_map_shape shape;
        shape = {};
        shape.key_size = 4;
        shape.value_size = shape.result_size = sizeof settings;
        shape.permission = EBPF_PERM_READ;
        shape.is_constant = is_constant ? 1 : 0;
        compat::vm_config config = test_config();
        config.lddw.map_val = [](uint64_t) { return reinterpret_cast<uintptr_t>(settings.data()); };
        config.lddw.map_val_size = [](uint64_t) { return sizeof settings; };
        config.lddw.map_shape = [](uint64_t) { return &shape; };
        EXPECT_EQ(count(counter::constant_maps, reads, config), is_constant ? 2U : 0U);
        EXPECT_EQ(loads(), is_constant ? 0U : 2U) << text();
    }
}

// --- all of them

TEST_F(counted_program, nothing_is_counted_where_nothing_is_done) {
    const linked_program p{"mov %r0, 1\nexit"};
    llvm::LLVMContext context;
    const auto module = p.optimize(context, *make_machine());
    for (const compat::compile_stat &row : p.counted().rows()) EXPECT_EQ(row.count, 0U) << row.name;
}

TEST(compile_stats, are_those_of_what_is_compiled) {
    const vm_ptr vm{ebpf_create("llvm")};
    EXPECT_EQ(ebpf_compile_stats(vm.get(), nullptr, 0), EBPF_ERROR_NO_PROGRAM);
    const auto code = assemble(sums_bytes);
    ASSERT_EQ(ebpf_load(vm.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr), 0);
    EXPECT_EQ(ebpf_compile_stats(vm.get(), nullptr, 0), 0) << "nothing is compiled yet";
    ASSERT_NE(ebpf_compile(vm.get(), nullptr), nullptr);
    const auto fast = stats_of(vm.get());
    EXPECT_EQ(fast.size(), counter_count);
    EXPECT_EQ(fast.at("loop-budgets"), 1U);
    EXPECT_GT(fast.at("ir-before"), 10U);
    EXPECT_GT(fast.at("ir-after"), 10U);
    EXPECT_GT(fast.at("code-bytes"), 100U);
    ASSERT_EQ(ebpf_set_optimization_level(vm.get(), 0), 0);
    EXPECT_EQ(ebpf_compile_stats(vm.get(), nullptr, 0), 0) << "that was with another level";
    std::array<uint8_t, 3> memory{1, 2, 3};
    EXPECT_EQ(run(vm.get(), memory.data(), memory.size()), 6U);
    const auto slow = stats_of(vm.get());
    EXPECT_EQ(slow.at("loop-budgets"), 0U);
    EXPECT_EQ(slow.at("ir-before"), fast.at("ir-before"));
}

TEST(compile_stats, are_the_same_each_time) {
    const vm_ptr first = load(sums_bytes);
    const vm_ptr second = load(sums_bytes);
    ASSERT_NE(ebpf_compile(first.get(), nullptr), nullptr);
    ASSERT_NE(ebpf_compile(second.get(), nullptr), nullptr);
    EXPECT_EQ(stats_of(first.get()), stats_of(second.get()));
}

TEST(compile_stats, are_written_as_far_as_there_is_room) {
    const vm_ptr vm = load("mov %r0, 1\nexit");
    ASSERT_NE(ebpf_compile(vm.get(), nullptr), nullptr);
    std::array<ebpf_compile_stat, counter_count> stats{};
    EXPECT_EQ(ebpf_compile_stats(vm.get(), stats.data(), 2), static_cast<int>(counter_count));
    EXPECT_STREQ(stats[0].name, "helper-inlining");
    EXPECT_STREQ(stats[1].name, "map-operations");
    EXPECT_EQ(stats[2].name, nullptr);
    ebpf_compile_stats(vm.get(), stats.data(), stats.size());
    std::set<std::string> names;
    for (const ebpf_compile_stat &stat : stats) {
        EXPECT_TRUE(names.emplace(stat.name).second) << stat.name;
        EXPECT_STRNE(stat.description, "") << stat.name;
    }
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
