// bpftime-vm: helpers that run programs themselves
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <gmock/gmock.h>

#include <array>
#include <stdexcept>

namespace {

using namespace c_api;
using ::testing::HasSubstr;

/// What a helper that ran another program saw.
struct inner_run {
    ebpf_vm *vm = nullptr;
    int64_t code = 0;
    int64_t result = 0;
    ebpf_fault fault{};
};

uint64_t run_inner(void *context, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    auto &inner = *static_cast<inner_run *>(context);
    inner.code = ebpf_exec(inner.vm, nullptr, 0, &inner.result);
    ebpf_last_fault(&inner.fault);
    return static_cast<uint64_t>(inner.code);
}

uint64_t run_inner_and_throw(void *context, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    run_inner(context, 0, 0, 0, 0, 0);
    throw std::runtime_error("after the inner run");
}

class nested_runs : public c_api_test {
protected:
    nested_runs() { ebpf_register_ctx(vm(), 1, "run", run_inner, &inner_); }

    void load_inner(const char *text) { ASSERT_EQ(c_api::load(other_.get(), text), 0); }

    vm_ptr other_ = make_vm();
    inner_run inner_{.vm = other_.get()};
};

TEST_F(nested_runs, have_results_of_their_own) {
    load_inner("mov %r0, 3\nexit");
    load("mov %r6, 5\ncall 1\nmov %r0, %r6\nexit");
    EXPECT_EQ(run(vm()), 5U);
    EXPECT_EQ(inner_.code, 0);
    EXPECT_EQ(inner_.result, 3);
}

TEST_F(nested_runs, that_fault_leave_the_outer_run_alone) {
    load_inner("mov %r0, 0\nstdw [%r0], 1\nexit");
    load("stdw [%r10-8], 6\ncall 1\nldxdw %r0, [%r10-8]\nexit");
    EXPECT_EQ(run(vm()), 6U);
    EXPECT_EQ(inner_.code, EBPF_ERROR_FAULT);
    EXPECT_EQ(place_of(inner_.fault),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 1, EBPF_REGION_NONE, 0, 0, 8}));
    EXPECT_EQ(ebpf_last_fault(nullptr), 0)
        << "the last run to end is the outer one, which ended well";
}

TEST_F(nested_runs, that_fault_do_not_hide_the_fault_of_the_outer_run) {
    load_inner("stdw [%r0], 1\nexit");
    load("call 1\nldxb %r0, [%r10]\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_STACK, 0, EBPF_STACK_SIZE, 1}));
    EXPECT_THAT(ebpf_last_error(), HasSubstr("ldxb"));
}

TEST_F(nested_runs, that_fault_are_not_the_fault_of_an_outer_run_that_throws) {
    load_inner("stdw [%r0], 1\nexit");
    ASSERT_EQ(ebpf_register_ctx(vm(), 1, "throw", run_inner_and_throw, &inner_), 0);
    load("call 1\nexit");
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_INTERNAL);
    EXPECT_EQ(inner_.fault.kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_WRITE});
    EXPECT_EQ(ebpf_last_fault(nullptr), 0);
}

TEST_F(nested_runs, without_program_are_errors_of_the_inner_vm) {
    load("call 1\nmov %r0, 1\nexit");
    EXPECT_EQ(run(vm()), 1U);
    EXPECT_EQ(inner_.code, EBPF_ERROR_NO_PROGRAM);
}

TEST_F(nested_runs, do_not_get_the_memory_of_the_outer_run) {
    uint8_t byte = 0;
    ASSERT_EQ(c_api::load(other_.get(), "lddw %r1, " + std::to_string(address_of(&byte)) +
                                            "\nldxb %r0, [%r1]\nexit"),
              0);
    load("mov %r6, %r1\ncall 1\nldxb %r0, [%r6]\nexit");
    EXPECT_EQ(run(vm(), &byte, 1), 0U);
    EXPECT_EQ(inner_.code, EBPF_ERROR_FAULT);
}

TEST_F(nested_runs, have_a_budget_and_a_call_depth_of_their_own) {
    ASSERT_EQ(ebpf_set_call_depth(vm(), 1), 0);
    ASSERT_EQ(ebpf_set_instruction_limit(vm(), 1), 0);
    load_inner(
        "call local f\nexit\nf: mov %r1, 100\nagain: sub %r1, 1\njne %r1, 0, again\nmov %r0, 4\n"
        "exit");
    load("call 1\nmov %r0, 1\nexit");
    EXPECT_EQ(run(vm()), 1U);
    EXPECT_EQ(inner_.result, 4);
}

// --- of the same VM

struct recursion {
    ebpf_vm *vm;
    uint64_t left;
};

uint64_t recurse(void *context, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    auto &r = *static_cast<recursion *>(context);
    if (r.left == 0) return 0;
    --r.left;
    int64_t result = -1;
    EXPECT_EQ(ebpf_exec(r.vm, nullptr, 0, &result), 0);
    return static_cast<uint64_t>(result);
}

TEST_F(nested_runs, of_the_same_vm) {
    recursion r{vm(), 20};
    ASSERT_EQ(ebpf_register_ctx(vm(), 2, "recurse", recurse, &r), 0);
    load("ldxdw %r6, [%r10-8]\nstdw [%r10-8], 100\ncall 2\nadd %r0, 1\nadd %r0, %r6\nexit");
    EXPECT_EQ(run(vm()), 21U);
}

// --- grants

std::array<uint8_t, 8> block{};

TEST_F(nested_runs, that_have_ended_leave_grants_to_the_outer_run) {
    load_inner("exit");
    ASSERT_EQ(ebpf_register_ctx(
                  vm(), 1, "run then grant",
                  [](void *context, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
                      run_inner(context, 0, 0, 0, 0, 0);
                      EXPECT_EQ(ebpf_grant(block.data(), 8, EBPF_PERM_READ), 0);
                      return address_of(block.data());
                  },
                  &inner_),
              0);
    load("call 1\nldxdw %r0, [%r0]\nexit");
    EXPECT_EQ(run(vm()), 0U);
}

TEST_F(nested_runs, get_the_grants_of_their_own_helpers_alone) {
    ASSERT_EQ(ebpf_register(
                  other_.get(), 5, "grant",
                  +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
                      EXPECT_EQ(ebpf_grant(block.data(), 8, EBPF_PERM_READ), 0);
                      return uint64_t{0};
                  }),
              0);
    load_inner("call 5\nexit");
    load("call 1\nlddw %r1, " + std::to_string(address_of(block.data())) +
         "\nldxdw %r0, [%r1]\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 3, EBPF_REGION_NONE, 0, 0, 8}));
    EXPECT_EQ(inner_.code, 0);
}

}  // namespace
