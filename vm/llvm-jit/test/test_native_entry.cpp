// bpftime-vm: the native entry point that ebpf_compile() gives
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <gtest/gtest.h>

#include <array>

namespace bpftime::vm::llvm_jit::test {

namespace {

ebpf_jit_fn compile(const vm_ptr &vm) {
    char *message = nullptr;
    const ebpf_jit_fn entry = ebpf_compile(vm.get(), &message);
    EXPECT_NE(entry, nullptr) << message;
    ebpf_free(message);
    return entry;
}

uint32_t fault_kind() {
    ebpf_fault fault{};
    ebpf_last_fault(&fault);
    return fault.kind;
}

TEST(native_entry, gives_r0) {
    const vm_ptr vm = load("ldxdw %r0, [%r1]\nadd %r0, %r2\nexit");
    uint64_t word = 100;
    EXPECT_EQ(compile(vm)(&word, sizeof word), 108U);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0);
}

TEST(native_entry, gives_all_ones_on_a_fault) {
    const vm_ptr vm = load("mov %r0, 1\nldxdw %r0, [%r1+8]\nexit");
    const ebpf_jit_fn entry = compile(vm);
    uint64_t word = 100;
    EXPECT_EQ(entry(&word, sizeof word), UINT64_MAX);
    ebpf_fault fault{};
    EXPECT_EQ(ebpf_last_fault(&fault), 1);
    EXPECT_EQ(fault.kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
    EXPECT_EQ(fault.pc, 1U);
    EXPECT_EQ(fault.region, uint32_t{EBPF_REGION_INPUT});
    EXPECT_EQ(fault.offset, 8);
    EXPECT_EQ(fault.address, reinterpret_cast<uint64_t>(&word) + 8);
    std::array<uint64_t, 2> words{1, 2};
    EXPECT_EQ(entry(words.data(), sizeof words), 2U);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0) << "cleared by the next run";
}

TEST(native_entry, can_give_all_ones_without_a_fault) {
    const vm_ptr vm = load("mov %r0, -1\nexit");
    EXPECT_EQ(compile(vm)(nullptr, 0), UINT64_MAX);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0);
}

TEST(native_entry, takes_no_memory_for_none) {
    const vm_ptr vm = load("ldxb %r0, [%r1]\nexit");
    EXPECT_EQ(compile(vm)(nullptr, 100), UINT64_MAX);
    EXPECT_EQ(fault_kind(), uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
}

TEST(native_entry, pays_its_budget_anew_each_time) {
    const vm_ptr vm = load("mov %r0, 100\nagain: sub %r0, 1\njne %r0, 0, again\nexit");
    ASSERT_EQ(ebpf_set_instruction_limit(vm.get(), 250), 0);
    const ebpf_jit_fn entry = compile(vm);
    for (int n = 0; n < 10; ++n) {
        EXPECT_EQ(entry(nullptr, 0), 0U);
        EXPECT_EQ(ebpf_last_fault(nullptr), 0);
    }
}

TEST(native_entry, is_there_after_a_run_and_before) {
    const vm_ptr vm = load("mov %r0, 3\nexit");
    const ebpf_jit_fn entry = compile(vm);
    EXPECT_EQ(run(vm.get()), 3U);
    EXPECT_EQ(compile(vm), entry) << "compiled once";
    EXPECT_EQ(entry(nullptr, 0), 3U);
}

TEST(native_entry, fails_with_a_message) {
    const vm_ptr vm = load("call 99\nexit");
    char *message = nullptr;
    EXPECT_EQ(ebpf_compile(vm.get(), &message), nullptr);
    ASSERT_NE(message, nullptr);
    EXPECT_NE(std::string{message}.find("99"), std::string::npos) << message;
    ebpf_free(message);
    const vm_ptr empty{ebpf_create("llvm")};
    EXPECT_EQ(ebpf_compile(empty.get(), nullptr), nullptr);
}

// --- after later configuration

uint64_t one(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 1; }
uint64_t two(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 2; }

TEST(native_entry, stays_as_it_was_when_helpers_change) {
    const vm_ptr vm = load("call 1\nexit");
    ASSERT_EQ(ebpf_register(vm.get(), 1, "one", one), 0);
    const ebpf_jit_fn before = compile(vm);
    ASSERT_EQ(ebpf_register(vm.get(), 1, "two", two), 0);
    const ebpf_jit_fn after = compile(vm);
    EXPECT_EQ(before(nullptr, 0), 1U);
    EXPECT_EQ(after(nullptr, 0), 2U);
    ASSERT_EQ(ebpf_unregister(vm.get(), 1), 0);
    EXPECT_EQ(before(nullptr, 0), 1U);
    EXPECT_EQ(run(load("mov %r0, 1\nexit").get()), 1U);
}

/// Writes the whole of its frame and its callee's, and reads all of it back.
constexpr const char *deep =
    "stdw [%r10-512], 5\nmov %r1, %r10\ncall local f\nldxdw %r1, [%r10-512]\nadd %r0, %r1\nexit\n"
    "f: stdw [%r10-512], 7\nstxdw [%r10-8], %r1\nmov %r2, %r10\nadd %r2, -512\n"
    "stxdw [%r10-16], %r2\nldxdw %r3, [%r10-16]\nldxdw %r0, [%r3]\nldxdw %r4, [%r10-8]\n"
    "ldxdw %r5, [%r4-512]\nadd %r0, %r5\nexit";

void expect_same_after(int (*configure)(ebpf_vm *)) {
    const vm_ptr vm = load(deep);
    const ebpf_jit_fn entry = compile(vm);
    EXPECT_EQ(entry(nullptr, 0), 17U);
    ASSERT_EQ(configure(vm.get()), 0);
    EXPECT_EQ(entry(nullptr, 0), 17U) << "the code is for the frames that it was compiled for";
    EXPECT_EQ(ebpf_last_fault(nullptr), 0);
}

TEST(native_entry, works_after_smaller_stack_frames_were_set) {
    expect_same_after([](ebpf_vm *vm) { return ebpf_set_stack_size(vm, 16); });
}

TEST(native_entry, works_after_larger_stack_frames_were_set) {
    expect_same_after([](ebpf_vm *vm) { return ebpf_set_stack_size(vm, 4096); });
}

TEST(native_entry, works_after_a_lower_call_depth_was_set) {
    expect_same_after([](ebpf_vm *vm) { return ebpf_set_call_depth(vm, 1); });
}

TEST(native_entry, works_after_other_settings_changed) {
    expect_same_after([](ebpf_vm *vm) { return ebpf_set_optimization_level(vm, 0); });
    expect_same_after([](ebpf_vm *vm) { return ebpf_set_unwind_function_index(vm, 4); });
    expect_same_after([](ebpf_vm *vm) { return ebpf_toggle_bounds_check(vm, false) ? 0 : 1; });
}

// --- programs that come and go

TEST(native_entry, is_of_the_program_that_is_loaded) {
    const vm_ptr vm = load("mov %r0, 1\nexit");
    EXPECT_EQ(compile(vm)(nullptr, 0), 1U);
    for (uint64_t n = 2; n < 10; ++n) {
        if (n % 2 == 0) ebpf_unload_code(vm.get());
        const auto code = assemble("mov %r0, " + std::to_string(n) + "\nexit");
        ASSERT_EQ(ebpf_load(vm.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr), 0);
        EXPECT_EQ(run(vm.get()), n);
        EXPECT_EQ(compile(vm)(nullptr, 0), n);
    }
    ebpf_unload_code(vm.get());
    EXPECT_EQ(ebpf_compile(vm.get(), nullptr), nullptr);
}

TEST(native_entry, survives_a_load_that_fails) {
    const vm_ptr vm = load("mov %r0, 1\nexit");
    const ebpf_jit_fn entry = compile(vm);
    const auto broken = assemble("mov %r0, 1");
    EXPECT_LT(ebpf_load(vm.get(), broken.data(), static_cast<uint32_t>(broken.size()), nullptr), 0);
    EXPECT_EQ(entry(nullptr, 0), 1U);
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
