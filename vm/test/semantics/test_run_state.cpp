// bpftime-vm: budgets, interrupts, call depth and may_goto: what ends a run that would go on
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/run.hpp"
#include "program/program.hpp"
#include "vm_fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace bpftime::vm::test {

namespace {

class run_state : public vm_fixture {};

/// The budget units that the tests expect, from the front end's own weights.
program analyse(std::string_view assembly) {
    auto p = program::load(assemble(assembly));
    EXPECT_TRUE(p) << p.error().message;
    return std::move(p.value());
}

// --- budget: a loop that counts in memory to the number that it finds there

constexpr std::string_view counting_loop = R"(
    ldxdw r2, [r1]
    mov r3, 0
    loop: add r3, 1
    stxdw [r1+8], r3
    jlt r3, r2, loop
    mov r0, r3
    exit)";
constexpr uint32_t loop_pc = 4;
constexpr uint64_t loop_weight = 3;

TEST_P(run_state, loop_weighs_its_slots) {
    EXPECT_EQ(analyse(counting_loop).loop_weight(2), loop_weight);
}

/// Expects that the loop stops after as many rounds as `limit` pays for, or that it ends.
void check_loop(ebpf_vm &vm, uint64_t limit, uint64_t rounds) {
    std::vector<uint64_t> memory{rounds, 0};
    ASSERT_EQ(vm.set_limit(vm_limit::instructions, limit), 0);
    int64_t r0 = 0;
    const int64_t code = vm.exec(memory.data(), 16, r0);
    const uint64_t paid = limit / loop_weight + 1;  // the first round is not charged
    if (limit == 0 or paid >= rounds) {
        EXPECT_EQ(code, 0) << vm.error_message() << " limit " << limit;
        EXPECT_EQ(r0, static_cast<int64_t>(rounds));
        return;
    }
    EXPECT_EQ(code, EBPF_ERROR_FAULT) << "limit " << limit;
    EXPECT_EQ(place_of(compat::last_fault()),
              (fault_place{.kind = fault_kind::instruction_limit, .pc = loop_pc}));
    EXPECT_EQ(memory[1], paid) << "limit " << limit;
}

TEST_P(run_state, loop_stops_where_its_budget_is_spent) {
    load(counting_loop);
    for (uint64_t limit = 0; limit <= 12; ++limit) check_loop(vm(), limit, 100);
    for (const uint64_t limit : {295U, 296U, 297U, 298U, 299U, 300U}) check_loop(vm(), limit, 100);
    for (const uint64_t limit : {uint64_t{1} << 32, uint64_t{1} << 63, ~uint64_t{0}})
        check_loop(vm(), limit, 100);
}

TEST_P(run_state, loop_stops_where_its_budget_is_spent_across_slices) {
    constexpr uint64_t slice = compat::budget::slice_units;
    load(counting_loop);
    for (const uint64_t limit : {slice - 2, slice - 1, slice, slice + 1, slice + 2, slice + 3,
                                 2 * slice - 1, 2 * slice, 2 * slice + 1, 2 * slice + 2}) {
        check_loop(vm(), limit, 1'000'000);
    }
    check_loop(vm(), 0, 1'500'000);
}

TEST_P(run_state, every_run_has_the_whole_budget) {
    load(counting_loop);
    for (int round = 0; round < 3; ++round) check_loop(vm(), 297, 100);
    for (int round = 0; round < 3; ++round) check_loop(vm(), 296, 100);
}

TEST_P(run_state, straight_code_costs_nothing) {
    std::string text = "mov r0, 0\n";
    for (int i = 0; i < 5000; ++i) text += "jeq r1, 1, +0\nadd r0, 1\ncall 3\nmov r0, 1\n";
    load(text + "exit");
    set_limit(vm_limit::instructions, 1);
    EXPECT_EQ(result(), 1U);
}

TEST_P(run_state, nested_loops_are_charged_for_each_back_edge) {
    constexpr std::string_view text = R"(
        ldxdw r6, [r1]
        outer: ldxdw r7, [r1+8]
        inner: ldxdw r2, [r1+16]
        add r2, 1
        stxdw [r1+16], r2
        sub r7, 1
        jne r7, 0, inner
        lddw r3, 0x123456789
        sub r6, 1
        jne32 r6, 0, outer
        exit)";
    constexpr uint32_t inner_pc = 6, outer_pc = 10;
    const program p = analyse(text);
    const uint64_t inner_weight = p.loop_weight(2);
    const uint64_t outer_weight = p.loop_weight(1);
    EXPECT_EQ(inner_weight, 5U);
    EXPECT_EQ(outer_weight, 10U) << "both slots of lddw count";
    load(text);
    for (uint64_t limit = 1; limit < 200; ++limit) {
        set_limit(vm_limit::instructions, limit);
        std::vector<uint64_t> memory{5, 4, 0};
        // The same walk, with the same charges.
        uint64_t left = limit, rounds = 0;
        uint32_t stopped_at = 0;
        for (int outer = 5; outer > 0 and stopped_at == 0; --outer) {
            for (int inner = 4; inner > 0 and stopped_at == 0; --inner) {
                ++rounds;
                if (inner == 1) break;
                if (left < inner_weight)
                    stopped_at = inner_pc;
                else
                    left -= inner_weight;
            }
            if (stopped_at != 0 or outer == 1) break;
            if (left < outer_weight)
                stopped_at = outer_pc;
            else
                left -= outer_weight;
        }
        if (stopped_at == 0) {
            result(memory_of(memory));
        } else {
            EXPECT_EQ(fault(memory_of(memory)),
                      (fault_place{.kind = fault_kind::instruction_limit, .pc = stopped_at}));
        }
        EXPECT_EQ(memory[2], rounds) << "limit " << limit;
    }
}

TEST_P(run_state, calls_are_charged_with_the_callees_longest_path) {
    // f takes the short path, but weighs what the long one does.
    constexpr std::string_view text = R"(
        mov r6, r1
        mov r1, r6
        call local f
        mov r1, r6
        lddw r2, code_addr(f)
        call r2
        mov r1, r6
        call local f
        exit
        f: ldxdw r2, [r1]
        add r2, 1
        stxdw [r1], r2
        jne r2, 0, +3
        mov r0, 1
        mov r0, 2
        mov r0, 3
        exit)";
    const program p = analyse(text);
    const uint64_t weight = p.functions()[1].weight;
    EXPECT_EQ(weight, 8U);
    const uint32_t calls[] = {2, 6, 8};
    load(text);
    for (uint64_t limit = 1; limit < 30; ++limit) {
        set_limit(vm_limit::instructions, limit);
        std::vector<uint64_t> memory(1);
        const uint64_t paid = std::min<uint64_t>(limit / weight, 3);
        if (paid == 3) {
            result(memory_of(memory));
        } else {
            EXPECT_EQ(fault(memory_of(memory)),
                      (fault_place{.kind = fault_kind::instruction_limit, .pc = calls[paid]}));
        }
        EXPECT_EQ(memory[0], paid) << "limit " << limit;
    }
}

TEST_P(run_state, loops_in_callees_spend_the_same_budget) {
    constexpr std::string_view text = R"(
        mov r6, r1
        mov r7, 3
        again: mov r1, r6
        call local f
        sub r7, 1
        jne r7, 0, again
        exit
        f: mov r2, 4
        loop: ldxdw r3, [r1]
        add r3, 1
        stxdw [r1], r3
        sub r2, 1
        jne r2, 0, loop
        exit)";
    constexpr uint32_t call_pc = 3, outer_pc = 5, loop_at = 12;
    const program p = analyse(text);
    const uint64_t call = p.functions()[1].weight;
    const uint64_t outer = p.loop_weight(2);
    const uint64_t inner = p.loop_weight(8);
    // What is charged where, in order; rounds of f's loop that are complete before it.
    std::vector<std::tuple<uint64_t, uint32_t, uint64_t>> charges;
    for (uint64_t n = 0; n < 3; ++n) {
        charges.emplace_back(call, call_pc, 4 * n);
        for (uint64_t m = 1; m < 4; ++m) charges.emplace_back(inner, loop_at, 4 * n + m);
        if (n < 2) charges.emplace_back(outer, outer_pc, 4 * n + 4);
    }
    load(text);
    uint64_t before = 0;
    for (const auto &[units, pc, rounds] : charges) {
        set_limit(vm_limit::instructions, before + units - 1);
        std::vector<uint64_t> memory(1);
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::instruction_limit, .pc = pc}));
        EXPECT_EQ(memory[0], rounds);
        before += units;
    }
    set_limit(vm_limit::instructions, before);
    std::vector<uint64_t> memory(1);
    result(memory_of(memory));
    EXPECT_EQ(memory[0], 12U);
}

TEST_P(run_state, default_limit_is_two_to_the_32_units) {
    // Each round is short but weighs as much as its longest path: 30,000 slots that it jumps over.
    std::string text =
        "ldxdw r2, [r1]\nmov r3, 0\nloop: add r3, 1\nstxdw [r1+8], r3\njne r3, 0, over\n";
    for (int i = 0; i < 30'000; ++i) text += "mov r4, 1\n";
    text += "over: jlt r3, r2, loop\nexit";
    const program p = analyse(text);
    const uint32_t back = 5 + 30'000;
    const uint64_t weight = p.loop_weight(2);
    EXPECT_EQ(weight, 30'004U);
    load(text);
    std::vector<uint64_t> memory{~0ULL, 0};
    EXPECT_EQ(fault(memory_of(memory)),
              (fault_place{.kind = fault_kind::instruction_limit, .pc = back}));
    EXPECT_EQ(memory[1], (uint64_t{1} << 32) / weight + 1);
    memory = {EBPF_INSTRUCTION_LIMIT / weight + 1, 0};
    result(memory_of(memory));
}

TEST_P(run_state, limits_hold_without_bounds_checks) {
    EXPECT_TRUE(vm().toggle_bounds_check(false));
    load(counting_loop);
    check_loop(vm(), 296, 100);
    check_loop(vm(), 297, 100);
    load("call local f\nexit\nf: call local f\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 2}));
    set_limit(vm_limit::instructions, 100);
    load("ja -1");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::instruction_limit, .pc = 0}));
}

TEST_P(run_state, switched_off_bounds_checks_are_off_and_come_back) {
    uint64_t elsewhere = 5;
    std::vector<uint64_t> memory{reinterpret_cast<uintptr_t>(&elsewhere)};
    load("ldxdw r2, [r1]\nldxdw r0, [r2]\nstdw [r2], 6\nexit");
    EXPECT_EQ(fault(memory_of(memory)).kind, fault_kind::out_of_bounds_read);
    EXPECT_TRUE(vm().toggle_bounds_check(false));
    EXPECT_EQ(result(memory_of(memory)), 5U);
    EXPECT_EQ(elsewhere, 6U);
    EXPECT_FALSE(vm().toggle_bounds_check(true));
    EXPECT_EQ(fault(memory_of(memory)).kind, fault_kind::out_of_bounds_read);
}

// --- interrupt

TEST_P(run_state, interrupt_ends_a_run_on_another_thread) {
    set_limit(vm_limit::instructions, 0);
    load("mov r2, 1\nlock add [r1], r2\nja -3");
    std::vector<uint64_t> memory(1);
    std::atomic<bool> ended = false;
    std::thread runner{[&] {
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::interrupted, .pc = 2}));
        ended = true;
    }};
    const std::atomic_ref<uint64_t> rounds{memory[0]};
    while (rounds.load() == 0 and not ended) std::this_thread::yield();
    EXPECT_EQ(vm().interrupt(), 0);
    runner.join();
}

TEST_P(run_state, interrupt_from_a_helper_ends_the_run_within_a_slice) {
    ebpf_helper helper{};
    helper.id = 9;
    helper.context = &vm();
    helper.ctx_fn = [](void *context, uint64_t, uint64_t, uint64_t, uint64_t,
                       uint64_t) -> uint64_t {
        return static_cast<uint64_t>(static_cast<ebpf_vm *>(context)->interrupt());
    };
    ASSERT_EQ(vm().register_helper(helper), 0);
    load("mov r6, r1\ncall 9\nloop: ldxdw r2, [r6]\nadd r2, 1\nstxdw [r6], r2\nja loop");
    for (const uint64_t limit : {uint64_t{0}, uint64_t{1} << 32}) {
        set_limit(vm_limit::instructions, limit);
        std::vector<uint64_t> memory(1);
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::interrupted, .pc = 5}));
        EXPECT_LE(memory[0], compat::budget::slice_units / 4 + 1) << "4 units a round";
    }
}

TEST_P(run_state, interrupt_before_a_run_does_not_end_it) {
    load(counting_loop);
    EXPECT_EQ(vm().interrupt(), 0);
    check_loop(vm(), 0, 1'000'000);
}

// --- call depth

/// f calls itself as often as r1 says; r0 counts the frames.
constexpr std::string_view counted_recursion = R"(
    ldxdw r1, [r1]
    call local f
    exit
    f: jeq r1, 0, out
    sub r1, 1
    call local f
    add r0, 1
    exit
    out: mov r0, 1
    exit)";

TEST_P(run_state, call_depth_counts_frames_with_the_entry_functions) {
    load(counted_recursion);
    for (const uint64_t depth : {2U, 3U, 8U, 9U, 64U, 256U}) {
        set_limit(vm_limit::call_depth, depth);
        std::vector<uint64_t> memory{depth - 2};
        EXPECT_EQ(result(memory_of(memory)), depth - 1) << "all frames but the entry's are counted";
        memory[0] = depth - 1;
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 5}));
        memory[0] = depth - 2;
        EXPECT_EQ(result(memory_of(memory)), depth - 1) << "and the next run is not affected";
    }
    set_limit(vm_limit::call_depth, 1);
    std::vector<uint64_t> memory{0};
    EXPECT_EQ(fault(memory_of(memory)),
              (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 1}));
    EXPECT_EQ(vm().set_limit(vm_limit::call_depth, 0), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm().set_limit(vm_limit::call_depth, 257), EBPF_ERROR_INVALID_ARGUMENT);
}

TEST_P(run_state, deepest_and_largest_stack_works) {
    set_limit(vm_limit::call_depth, EBPF_MOST_CALL_DEPTH);
    set_limit(vm_limit::stack_size, 4096);
    load(R"(
        mov r1, 254
        call local f
        exit
        f: stxdw [r10-8], r1
        stxdw [r10-4096], r1
        jeq r1, 0, out
        sub r1, 1
        call local f
        ldxdw r2, [r10-8]
        ldxdw r3, [r10-4096]
        jne r2, r3, out
        add r0, r2
        exit
        out: mov r0, 0
        exit)");
    EXPECT_EQ(result(), 254U * 255 / 2);
}

TEST_P(run_state, calls_one_after_the_other_do_not_nest) {
    load(
        "mov r6, 5000\nagain: call local f\nsub r6, 1\njne r6, 0, again\nexit\nf: mov r0, 4\nexit");
    set_limit(vm_limit::call_depth, 2);
    EXPECT_EQ(result(), 4U);
}

TEST_P(run_state, budget_is_charged_before_the_frame_is_made) {
    load("call local f\nexit\nf: mov r0, 0\nexit");
    set_limit(vm_limit::call_depth, 1);
    set_limit(vm_limit::instructions, 1);
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::instruction_limit, .pc = 0}));
    set_limit(vm_limit::instructions, 2);
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 0}));
}

// --- may_goto

constexpr uint64_t may_goto_tries = uint64_t{1} << 23;

TEST_P(run_state, may_goto_goes_on_two_to_the_23_times) {
    load("mov r0, 0\nmay_goto +2\nadd r0, 1\nja -3\nexit");
    EXPECT_EQ(result(), may_goto_tries);
}

TEST_P(run_state, may_gotos_of_one_frame_share_their_tries_and_each_frame_has_its_own) {
    // f leaves its loop when its frame's tries are spent; its second may_goto must then jump at
    // once.
    load(R"(
        mov r6, 0
        mov r7, 0
        may_goto exhausted      # one try of main's frame
        mov r1, 1
        call local f
        mov r6, r0
        call local f
        mov r7, r0
        may_goto exhausted      # another one: f's loops have spent none of them
        add r6, r7
        mov r0, r6
        exit
        exhausted: mov r0, -1
        exit
        f: mov r0, 0
        loop: may_goto spent
        add r0, 1
        ja loop
        spent: may_goto out
        mov r0, 0
        out: exit)");
    EXPECT_EQ(result(), 2 * may_goto_tries);
}

TEST_P(run_state, may_goto_backwards_is_charged_when_it_jumps) {
    // Spends the tries in a loop that leaves by another way, then may_goto is an endless loop.
    constexpr std::string_view text = R"(
        mov r0, 0
        loop: may_goto +2
        ja loop
        exit
        again: add r0, 1
        stxdw [r1], r0
        may_goto again
        exit)";
    const program p = analyse(text);
    const uint64_t spent = may_goto_tries * p.loop_weight(1);
    const uint64_t round = p.loop_weight(4);
    load(text);
    set_limit(vm_limit::instructions, spent + 10 * round);
    std::vector<uint64_t> memory(1);
    EXPECT_EQ(fault(memory_of(memory)),
              (fault_place{.kind = fault_kind::instruction_limit, .pc = 6}));
    EXPECT_EQ(memory[0], 11U);
}

// --- threads, native code

TEST_P(run_state, runs_on_many_threads_at_once_share_nothing) {
    // Each run keeps its number in its stack, a register and a callee's frame while it counts.
    load(R"(
        ldxdw r6, [r1]
        stxdw [r10-8], r6
        mov r7, 20000
        again: mov r1, r6
        call local f
        jne r0, r6, wrong
        ldxdw r2, [r10-8]
        jne r2, r6, wrong
        sub r7, 1
        jne r7, 0, again
        mov r0, r6
        exit
        wrong: mov r0, -1
        exit
        f: stxdw [r10-8], r1
        mov r6, r1
        call 2
        ldxdw r0, [r10-8]
        jeq r0, r6, +1
        mov r0, -1
        exit)");
    std::vector<std::thread> threads;
    for (uint64_t n = 1; n <= 4; ++n) {
        threads.emplace_back([this, n] {
            std::vector<uint64_t> memory{n};
            EXPECT_EQ(result(memory_of(memory)), n);
        });
    }
    for (std::thread &t : threads) t.join();
}

TEST_P(run_state, native_entry_gives_what_exec_gives) {
    load("ldxdw r0, [r1]\nadd r0, r2\nldxdw r2, [r1+8]\nexit");
    const auto entry = vm().compile();
    if (entry == nullptr) {
        EXPECT_NE(vm().error_message().find("is not supported by backend"), std::string::npos)
            << vm().error_message();
        return;
    }
    std::vector<uint64_t> memory{40, 0};
    EXPECT_EQ(entry(memory.data(), 16), result(memory_of(memory)));
    EXPECT_EQ(entry(memory.data(), 8), UINT64_MAX);
    const fault_place place = place_of(compat::last_fault());
    EXPECT_EQ(place, fault(memory_of(std::span{memory}.first(1))));
    EXPECT_EQ(entry(memory.data(), 16), 56U);
    EXPECT_EQ(compat::last_fault().kind, fault_kind::none);
}

// --- the fault of the last run

TEST_P(run_state, last_fault_is_of_the_last_run_on_this_thread) {
    load("ldxb r0, [r1]\nexit");
    std::vector<uint64_t> memory(1);
    EXPECT_EQ(fault().kind, fault_kind::out_of_bounds_read);
    std::thread{[&] {
        EXPECT_EQ(compat::last_fault().kind, fault_kind::none);
        result(memory_of(memory));
    }}.join();
    EXPECT_EQ(compat::last_fault().kind, fault_kind::out_of_bounds_read);
    result(memory_of(memory));
    EXPECT_EQ(compat::last_fault().kind, fault_kind::none);
}

TEST_P(run_state, fault_of_a_run_inside_a_helper_is_not_the_outer_runs) {
    const auto inner = make_vm(GetParam());
    const auto code = assemble("mov r2, 0\nldxb r0, [r2]\nexit");
    ASSERT_EQ(inner->load_code(code.data(), code.size()), 0);
    ebpf_helper helper{};
    helper.id = 9;
    helper.context = inner.get();
    helper.ctx_fn = [](void *context, uint64_t, uint64_t, uint64_t, uint64_t,
                       uint64_t) -> uint64_t {
        int64_t r0 = 0;
        EXPECT_EQ(static_cast<ebpf_vm *>(context)->exec(nullptr, 0, r0), EBPF_ERROR_FAULT);
        EXPECT_EQ(compat::last_fault().pc, 1U);
        return 7;
    };
    ASSERT_EQ(vm().register_helper(helper), 0);
    load("stdw [r10-8], 5\ncall 9\nldxdw r1, [r10-8]\nadd r0, r1\nexit");
    EXPECT_EQ(result(), 12U);
    load("call 9\nmov r1, 0\nldxh r0, [r1]\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::out_of_bounds_read, .pc = 2, .size = 2}));
}

INSTANTIATE_TEST_SUITE_P(all, run_state, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, run_state, testing::ValuesIn(proving_engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
