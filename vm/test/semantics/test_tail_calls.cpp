// bpftime-vm: tail calls, from every engine to every engine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "vm_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace bpftime::vm::test {

namespace {

constexpr uint32_t jump_id = 30;

/// The programs that helper 30 goes on with, by r2; nothing beyond.
thread_local std::vector<ebpf_vm *> slots;

uint64_t jump(uint64_t, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return r2 < slots.size() ? reinterpret_cast<uintptr_t>(slots[static_cast<std::size_t>(r2)]) : 0;
}

void register_jump(ebpf_vm &vm) {
    ebpf_helper h{};
    h.id = jump_id;
    h.name = "jump";
    h.fn = jump;
    h.arguments[0].kind = EBPF_ARG_CONTEXT;
    h.arguments[1].kind = EBPF_ARG_SCALAR;
    h.result = EBPF_RESULT_TAIL_CALL;
    EXPECT_EQ(vm.register_helper(h), EBPF_OK) << vm.error_message();
}

/// Each test for the engine of the first program, with programs of all engines to go on with.
class tail_calls : public vm_fixture {
protected:
    tail_calls() { register_jump(vm()); }
    ~tail_calls() override { slots.clear(); }

    /// A VM of engine `e` with this program.
    ebpf_vm &make_other(const engine &e, std::string_view assembly) {
        others_.push_back(make_vm(e));
        ebpf_vm &made = *others_.back();
        register_test_helpers(made);
        register_jump(made);
        const auto code = assemble(assembly);
        EXPECT_EQ(made.load_code(code.data(), code.size()), EBPF_OK) << made.error_message();
        return made;
    }

    uint64_t result_with(std::vector<uint64_t> memory) { return result(memory_of(memory)); }

private:
    std::vector<std::unique_ptr<ebpf_vm>> others_;
};

constexpr std::string_view jump_to_first = R"(
    stdw [r10-8], 77
    mov r6, 5
    mov r2, 0
    call 30
    mov r0, 1
    exit)";

TEST_P(tail_calls, give_what_the_other_program_gives) {
    load(jump_to_first);
    for (const engine &e : engines()) {
        // It begins anew: r6 and its frame are 0, r1 and r2 the run's.
        slots = {&make_other(
            e, "ldxdw r0, [r1]\nadd r0, r2\nadd r0, r6\nldxdw r3, [r10-8]\nadd r0, r3\nexit")};
        EXPECT_EQ(result_with({1000}), 1008U) << e;
    }
}

TEST_P(tail_calls, go_on_where_there_is_no_program) {
    load("mov r2, 7\ncall 30\nadd r0, 10\nadd r0, r1\nadd r0, r2\nexit");
    EXPECT_EQ(result(), 10U);
}

TEST_P(tail_calls, of_a_local_function_return_to_its_caller) {
    load(R"(
        mov r6, 3
        stdw [r10-8], 4
        call local f
        add r0, r6
        ldxdw r1, [r10-8]
        add r0, r1
        exit
        f: stdw [r10-8], 9
        mov r2, 0
        call 30
        mov r0, 100
        exit)");
    EXPECT_EQ(result(), 107U) << "no program";
    for (const engine &e : engines()) {
        slots = {&make_other(e, "stdw [r10-8], 1\nmov r0, 50\nexit")};
        EXPECT_EQ(result(), 57U) << e;
    }
}

TEST_P(tail_calls, of_a_function_that_held_its_frame_in_r0_give_the_other_result) {
    load(R"(
        call local f
        exit
        f: stxdw [r10-8], r10
        mov r0, r10
        mov r2, 0
        call 30
        mov r0, 100
        exit)");
    for (const engine &e : engines()) {
        slots = {&make_other(e, "mov r0, 50\nexit")};
        EXPECT_EQ(result(), 50U) << e;
    }
}

TEST_P(tail_calls, end_after_33_of_them) {
    // Each program counts in memory, and goes on with itself; behind the last call the count is r0.
    constexpr std::string_view again = R"(
        ldxdw r0, [r1]
        add r0, 1
        stxdw [r1], r0
        mov r6, r1
        mov r2, 0
        call 30
        ldxdw r0, [r6]
        exit)";
    load(again);
    for (const engine &e : engines()) {
        slots = {&make_other(e, again)};
        EXPECT_EQ(result_with({0}), 34U) << e;
    }
    slots = {&vm()};
    EXPECT_EQ(result_with({0}), 34U) << "a program may go on with itself";
}

TEST_P(tail_calls, of_local_functions_are_33_in_all) {
    constexpr std::string_view again = R"(
        mov r6, r1
        call local f
        exit
        f: ldxdw r0, [r1]
        add r0, 1
        stxdw [r1], r0
        mov r7, r1
        mov r2, 0
        call 30
        ldxdw r0, [r7]
        exit)";
    load(again);
    slots = {&make_other(engines().front(), again), &vm()};
    EXPECT_EQ(result_with({0}), 34U);
    slots = {&vm()};
    EXPECT_EQ(result_with({0}), 34U);
}

TEST_P(tail_calls, tell_the_fault_of_the_program_that_has_it) {
    load(jump_to_first);
    std::vector<uint64_t> memory{1};
    for (const engine &e : engines()) {
        slots = {&make_other(e, "mov r3, 0\nmov r4, 0\nldxdw r0, [r1+8]\nexit")};
        EXPECT_EQ(fault(memory_of(memory)), (fault_place{.kind = fault_kind::out_of_bounds_read,
                                                         .pc = 2,
                                                         .region = region_kind::input,
                                                         .offset = 8,
                                                         .size = 8}))
            << e;
        EXPECT_THAT(vm().error_message(), testing::HasSubstr("at pc 2 (`ldxdw %r0, [%r1+8]`)"));
    }
    load("call local f\nexit\nf: mov r2, 0\ncall 30\nexit");
    EXPECT_EQ(fault(memory_of(memory)).pc, 2U);
    EXPECT_THAT(vm().error_message(), testing::HasSubstr("at pc 2 (`ldxdw %r0, [%r1+8]`)"));
}

TEST_P(tail_calls, take_the_budget_along) {
    constexpr std::string_view loop = R"(
        ldxdw r3, [r1]
        again: sub r3, 1
        jne r3, 0, again
        mov r2, 0
        call 30
        mov r0, 3
        exit)";
    constexpr std::string_view last = R"(
        ldxdw r3, [r1+8]
        again: sub r3, 1
        jne r3, 0, again
        mov r0, 4
        exit)";
    load(loop);
    set_limit(vm_limit::instructions, 2 * 9 + 2 * 19);
    for (const engine &e : engines()) {
        slots = {&make_other(e, last)};
        EXPECT_EQ(result_with({10, 20}), 4U) << e;
        std::vector<uint64_t> memory{10, 21};
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::instruction_limit, .pc = 2}))
            << e;
        memory = {11, 20};
        EXPECT_EQ(fault(memory_of(memory)).kind, fault_kind::instruction_limit) << e;
    }
}

TEST_P(tail_calls, in_local_functions_take_the_budget_along_and_back) {
    load(R"(
        mov r6, r1
        call local f
        ldxdw r3, [r6+16]
        rest: sub r3, 1
        jne r3, 0, rest
        exit
        f: mov r2, 0
        call 30
        exit)");
    set_limit(vm_limit::instructions, 3 + 2 * 19 + 2 * 4);
    for (const engine &e : engines()) {
        slots = {&make_other(e, R"(
            ldxdw r3, [r1+8]
            again: sub r3, 1
            jne r3, 0, again
            mov r0, 4
            exit)")};
        EXPECT_EQ(result_with({0, 20, 5}), 4U) << e;
        std::vector<uint64_t> memory{0, 20, 6};
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::instruction_limit, .pc = 4}))
            << e;
    }
}

TEST_P(tail_calls, belong_to_the_run_that_is_interrupted) {
    load(jump_to_first);
    for (const engine &e : engines()) {
        slots = {&make_other(e, "mov r3, 1\nagain: add r3, 2\njne r3, 0, again\nexit")};
        // Interrupting a run that has not begun does nothing, so it is done again until it ends.
        std::atomic<bool> ended = false;
        std::thread stopper{[this, &ended] {
            while (not ended) {
                vm().interrupt();
                std::this_thread::sleep_for(std::chrono::milliseconds{5});
            }
        }};
        EXPECT_EQ(fault().kind, fault_kind::interrupted) << e;
        ended = true;
        stopper.join();
    }
}

TEST_P(tail_calls, keep_what_was_granted) {
    static std::array<uint64_t, 2> block{};
    constexpr uint32_t grant_id = 31;
    ebpf_helper h{};
    h.id = grant_id;
    h.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
        return reinterpret_cast<uintptr_t>(block.data());
    };
    h.result = EBPF_RESULT_POINTER;
    h.result_size = sizeof block;
    ASSERT_EQ(vm().register_helper(h), EBPF_OK);
    const auto at = fmt::format("lddw r3, {}\n", reinterpret_cast<uintptr_t>(block.data()));
    block = {5, 6};
    load("call 31\nmov r2, 0\ncall 30\nexit");
    for (const engine &e : engines()) {
        slots = {&make_other(e, at + "ldxdw r0, [r3+8]\nexit")};
        EXPECT_EQ(result(), 6U) << e;
    }
    // And it comes back from a local function's tail call.
    load(at +
         "mov r6, r3\ncall local f\nldxdw r1, [r6]\nadd r0, r1\nexit\nf: call 31\nmov r2, 0\ncall "
         "30\nexit");
    EXPECT_EQ(result(), 11U);
}

TEST_P(tail_calls, run_by_the_settings_of_the_other_vm) {
    load(jump_to_first);
    for (const engine &e : engines()) {
        ebpf_vm &other = make_other(e, "stdw [r10-1024], 8\nldxdw r0, [r10-1024]\nexit");
        slots = {&other};
        EXPECT_EQ(fault().kind, fault_kind::out_of_bounds_write) << e;
        ASSERT_EQ(other.set_limit(vm_limit::stack_size, 32768), EBPF_OK);
        EXPECT_EQ(result(), 8U) << e;
    }
}

TEST_P(tail_calls, of_programs_that_cannot_run_are_faults) {
    load(jump_to_first);
    slots = {&make_other(engines().front(), "call 12345\nexit")};
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::unavailable, .pc = 3}));
    const auto empty = make_vm(engines().front());
    slots = {empty.get()};
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::unavailable, .pc = 3}));
}

TEST_P(tail_calls, can_unwind_the_whole_run) {
    load("call local f\nadd r0, 5\nexit\nf: mov r2, 0\ncall 30\nexit");
    for (const engine &e : engines()) {
        ebpf_vm &other = make_other(e, "mov r1, 0\ncall 3\nmov r0, 1\nexit");
        slots = {&other};
        EXPECT_EQ(result(), 6U) << e;
        ASSERT_EQ(other.set_unwind_function_index(3), EBPF_OK);
        EXPECT_EQ(result(), 0U) << e;
    }
}

TEST_P(tail_calls, are_not_made_through_callx) {
    load("ldxdw r6, [r1]\ncall r6\nexit");
    std::vector<uint64_t> memory{jump_id};
    EXPECT_EQ(fault(memory_of(memory)),
              (fault_place{.kind = fault_kind::bad_call_target, .pc = 1}));
}

TEST_P(tail_calls, from_native_entries) {
    load(jump_to_first);
    const auto entry = vm().compile();
    if (entry == nullptr) GTEST_SKIP() << vm().error_message();
    for (const engine &e : engines()) {
        slots = {&make_other(e, "mov r0, 12\nexit")};
        EXPECT_EQ(entry(nullptr, 0), 12U) << e;
    }
}

INSTANTIATE_TEST_SUITE_P(engines, tail_calls, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, tail_calls, testing::ValuesIn(proving_engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(barring, tail_calls, testing::ValuesIn(barring_engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
