// bpftime-vm: helpers that call functions of the program
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/run.hpp"
#include "ebpf-vm.h"
#include "vm_fixture.hpp"

#include <array>
#include <stdexcept>

namespace bpftime::vm::test {

namespace {

constexpr uint32_t repeat_id = 20;

/// Calls r2(i, r3) for i from 0 to r1-1 until one gives not 0; the sum of what they give.
uint64_t repeat(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < r1; ++i) {
        const std::array<uint64_t, 5> arguments{i, r3, 30, 40, 50};
        uint64_t r0 = 0;
        if (ebpf_call_back(r2, arguments.data(), &r0) != EBPF_OK) break;
        sum += r0;
    }
    return sum;
}

class callbacks : public vm_fixture {
protected:
    callbacks() {
        ebpf_helper h{};
        h.id = repeat_id;
        h.name = "repeat";
        h.fn = repeat;
        h.arguments[0].kind = EBPF_ARG_SCALAR;
        h.arguments[1].kind = EBPF_ARG_FUNCTION;
        h.arguments[2].kind = EBPF_ARG_SCALAR;
        EXPECT_EQ(vm().register_helper(h), EBPF_OK) << vm().error_message();
    }

    uint64_t result_with(std::vector<uint64_t> memory) { return result(memory_of(memory)); }
};

TEST_P(callbacks, get_the_words_of_the_helper_in_r1_to_r5) {
    load(R"(
        lddw r2, code_addr(f)
        ldxdw r3, [r1+8]
        ldxdw r1, [r1]
        call 20
        exit
        f: mov r0, r1
        lsh r0, 4
        add r0, r2
        add r0, r3
        add r0, r4
        add r0, r5
        add r0, r6
        add r0, r9
        exit)");
    EXPECT_EQ(result_with({1, 7}), 7 + 30 + 40 + 50U);
    EXPECT_EQ(result_with({3, 1000}), 0 + 16 + 32 + 3 * (1000 + 120U));
    EXPECT_EQ(result_with({0, 7}), 0U);
}

TEST_P(callbacks, see_the_frame_of_their_caller_and_have_one_of_their_own) {
    load(R"(
        mov r6, 11
        stdw [r10-8], 100
        lddw r2, code_addr(f)
        mov r3, r10
        add r3, -8
        ldxdw r1, [r1]
        call 20
        ldxdw r1, [r10-8]
        add r0, r1
        add r0, r6
        exit
        f: ldxdw r3, [r2]
        add r3, r1
        stxdw [r2], r3
        ldxdw r0, [r10-8]
        stxdw [r10-8], r3
        mov r6, 5
        exit)");
    EXPECT_EQ(result_with({5}), 100 + (0 + 1 + 2 + 3 + 4) + 11U);
}

TEST_P(callbacks, nest_as_deep_as_local_calls) {
    // f(depth left): calls itself once more through the helper.
    load(R"(
        lddw r2, code_addr(f)
        ldxdw r3, [r1]
        mov r1, 1
        call 20
        exit
        f: mov r0, 1
        jeq r2, 0, done
        mov r3, r2
        sub r3, 1
        lddw r2, code_addr(f)
        mov r1, 1
        call 20
        add r0, 1
        done: exit)");
    EXPECT_EQ(result_with({0}), 1U);
    EXPECT_EQ(result_with({6}), 7U);
    std::vector<uint64_t> too_deep{7};
    EXPECT_EQ(fault(memory_of(too_deep)),
              (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 13}));
    set_limit(vm_limit::call_depth, 200);
    EXPECT_EQ(result_with({190}), 191U);
}

TEST_P(callbacks, end_the_run_with_their_faults) {
    load(R"(
        lddw r2, code_addr(f)
        ldxdw r3, [r1]
        mov r1, 3
        call 20
        mov r0, 1
        exit
        f: ldxdw r0, [r2]
        exit)");
    std::vector<uint64_t> memory{0};
    EXPECT_EQ(fault(memory_of(memory)).pc, 7U);
    EXPECT_EQ(compat::last_fault().kind, fault_kind::out_of_bounds_read);
    memory[0] = reinterpret_cast<uintptr_t>(memory.data());
    EXPECT_EQ(result(memory_of(memory)), 1U);
}

TEST_P(callbacks, must_be_functions_that_can_be_reached) {
    constexpr uint32_t call_pc = 3;
    load(R"(
        ldxdw r2, [r1]
        mov r1, 1
        mov r3, 0
        call 20
        exit
        lddw r0, code_addr(f)
        exit
        f: mov r0, 1
        exit)");
    for (const uint64_t value : {uint64_t{0}, uint64_t{1}, code_handle(0), code_handle(8),
                                 code_handle(3), code_handle(1000), ~uint64_t{0}}) {
        std::vector<uint64_t> memory{value};
        if (value == code_handle(0)) {
            // The entry function can be called, and calls itself.
            EXPECT_NE(fault(memory_of(memory)).kind, fault_kind::none);
            continue;
        }
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::bad_call_target, .pc = call_pc}))
            << std::hex << value;
        EXPECT_EQ(compat::last_fault().address, value);
    }
}

TEST_P(callbacks, spend_from_the_budget_of_the_run) {
    // Each call costs f's weight, 3; the loop in f one unit a round.
    load(R"(
        lddw r2, code_addr(f)
        ldxdw r1, [r1]
        mov r3, 0
        call 20
        mov r0, 7
        exit
        f: mov r0, 0
        add r0, 1
        exit)");
    set_limit(vm_limit::instructions, 30);
    EXPECT_EQ(result_with({10}), 7U);
    std::vector<uint64_t> memory{11};
    EXPECT_EQ(fault(memory_of(memory)),
              (fault_place{.kind = fault_kind::instruction_limit, .pc = 4}));
}

TEST_P(callbacks, and_loops_around_them_share_one_budget) {
    load(R"(
        ldxdw r6, [r1]
        mov r7, 0
        again: lddw r2, code_addr(f)
        mov r1, 2
        mov r3, 0
        call 20
        add r7, r0
        sub r6, 1
        jne r6, 0, again
        mov r0, r7
        exit
        f: mov r0, 1
        mov r3, 4
        inner: sub r3, 1
        jne r3, 0, inner
        exit)");
    // 9 jumps back of 8 slots, 20 calls of 5, 60 inner jumps of 2
    constexpr uint64_t cost = 9 * 8 + 20 * 5 + 60 * 2;
    set_limit(vm_limit::instructions, cost);
    EXPECT_EQ(result_with({10}), 20U);
    set_limit(vm_limit::instructions, cost - 1);
    std::vector<uint64_t> memory{10};
    EXPECT_EQ(fault(memory_of(memory)),
              (fault_place{.kind = fault_kind::instruction_limit, .pc = 15}));
}

TEST_P(callbacks, can_be_interrupted) {
    load(R"(
        lddw r2, code_addr(f)
        lddw r1, 0x7fffffffffffffff
        mov r3, 0
        call 20
        exit
        f: mov r3, r1
        jne r3, 3, +1
        call 21
        mov r0, 0
        exit)");
    static ebpf_vm *running = nullptr;
    running = &vm();
    ASSERT_EQ(vm().register_external_function(
                  21, "stop",
                  [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
                      running->interrupt();
                      return 0;
                  }),
              0);
    EXPECT_EQ(fault().kind, fault_kind::interrupted);
}

TEST_P(callbacks, can_unwind_the_whole_run) {
    load(R"(
        lddw r2, code_addr(f)
        mov r1, 3
        mov r3, 0
        call 20
        mov r0, 9
        exit
        f: mov r0, 0
        mov r1, 1
        call 3
        mov r0, 1
        exit)");
    EXPECT_EQ(result(), 9U);
    ASSERT_EQ(vm().set_unwind_function_index(3), EBPF_OK);
    EXPECT_EQ(result(), 0U);
}

TEST_P(callbacks, may_throw_through_the_program) {
    load(R"(
        lddw r2, code_addr(f)
        mov r1, 3
        mov r3, 0
        call 20
        exit
        f: call 22
        exit)");
    ASSERT_EQ(vm().register_external_function(
                  22, "throws",
                  [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
                      throw std::runtime_error{"from a helper"};
                  }),
              0);
    int64_t r0 = 0;
    EXPECT_THROW(static_cast<void>(vm().exec(nullptr, 0, r0)), std::runtime_error);
    EXPECT_EQ(compat::run::current(), nullptr);
}

TEST_P(callbacks, are_not_called_through_callx) {
    load(R"(
        ldxdw r6, [r1]
        call r6
        exit)");
    std::vector<uint64_t> memory{repeat_id};
    EXPECT_EQ(fault(memory_of(memory)),
              (fault_place{.kind = fault_kind::bad_call_target, .pc = 1}));
}

TEST_P(callbacks, work_without_checks_too) {
    load(R"(
        lddw r2, code_addr(f)
        mov r1, 4
        mov r3, 5
        call 20
        exit
        f: mov r0, r2
        exit)");
    vm().toggle_bounds_check(false);
    EXPECT_EQ(result(), 20U);
}

INSTANTIATE_TEST_SUITE_P(engines, callbacks, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, callbacks, testing::ValuesIn(proving_engines()), engine_name{});

TEST(call_back, is_for_helpers) {
    const std::array<uint64_t, 5> arguments{};
    uint64_t r0 = 0;
    EXPECT_EQ(ebpf_call_back(code_handle(0), arguments.data(), &r0), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(
        ebpf_last_error(),
        "ebpf_call_back() works inside a helper only: no program is running on this thread");
}

}  // namespace

}  // namespace bpftime::vm::test
