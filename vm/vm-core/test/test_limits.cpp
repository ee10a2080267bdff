// bpftime-vm: call depth, instruction limit and interrupts, to the unit
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using namespace c_api;
using ::testing::EndsWith;
using ::testing::StartsWith;

// --- compiling

TEST(compile_memory, is_limited_by_the_size_of_the_program) {
    const auto vm = make_vm();
    ASSERT_EQ(ebpf_set_compile_memory_limit(vm.get(), 2048), 0);
    std::string text;
    for (int i = 0; i < 100; ++i) text += "mov %r0, 1\n";
    ASSERT_EQ(load(vm.get(), text + "exit"), 0);
    char *raw = nullptr;
    EXPECT_EQ(ebpf_compile(vm.get(), &raw), nullptr);
    const message_ptr message{raw};
    EXPECT_THAT(message.get(), testing::HasSubstr("compiling 101 instructions may take"));
    ASSERT_EQ(ebpf_set_compile_memory_limit(vm.get(), 0), 0);
    if (ebpf_compile(vm.get(), nullptr) == nullptr) {
        EXPECT_THAT(ebpf_last_error(), testing::HasSubstr("supported")) << "no native code here";
    }
}

// --- call depth

/// A program that makes `calls` nested calls and returns how many there were; the call is at pc 1
/// and at pc 6.
std::string nested_calls(unsigned calls) {
    if (calls == 0) return "mov %r0, 0\nexit";
    return "mov %r1, " + std::to_string(calls - 1) +
           "\ncall local f\nadd %r0, 1\nexit\nf: jeq %r1, 0, end\nsub %r1, 1\ncall local f\n"
           "add %r0, 1\nexit\nend: mov %r0, 0\nexit";
}

class call_depth : public c_api_test {
protected:
    /// So deep and no deeper: `frames` frames run, one more faults at the call that needs it.
    void expect_exactly(unsigned frames) {
        load(nested_calls(frames - 1));
        EXPECT_EQ(run(vm()), frames - 1);
        load(nested_calls(frames));
        EXPECT_EQ(place_of(run_to_fault(vm())),
                  (place{EBPF_FAULT_CALL_DEPTH_EXCEEDED, frames == 1 ? 1U : 6U}));
    }
};

TEST_F(call_depth, is_8_frames_by_default) { expect_exactly(8); }

TEST_F(call_depth, is_what_was_set) {
    for (const unsigned frames : {1U, 2U, 7U, 8U, 9U, 31U, 128U, EBPF_MOST_CALL_DEPTH}) {
        ASSERT_EQ(ebpf_set_call_depth(vm(), frames), 0);
        expect_exactly(frames);
    }
}

TEST_F(call_depth, is_about_nesting_not_about_the_number_of_calls) {
    load(
        "mov %r6, 1000\nagain: call local f\nsub %r6, 1\njne %r6, 0, again\nexit\nf: mov %r0, 1\n"
        "exit");
    EXPECT_EQ(run(vm()), 1U);
}

TEST_F(call_depth, counts_calls_through_callx) {
    load("call local f\nexit\nf: lddw %r6, code_addr(f)\ncallx %r6\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())), (place{EBPF_FAULT_CALL_DEPTH_EXCEEDED, 4}));
}

TEST_F(call_depth, is_not_spent_by_helpers) {
    ASSERT_EQ(ebpf_set_call_depth(vm(), 1), 0);
    ASSERT_EQ(ebpf_register(
                  vm(), 1, "three",
                  +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{3}; }),
              0);
    load("call 1\nexit");
    EXPECT_EQ(run(vm()), 3U);
}

TEST_F(call_depth, tells_how_to_raise_it) {
    ASSERT_EQ(ebpf_set_call_depth(vm(), 1), 0);
    load(nested_calls(1));
    run_to_fault(vm());
    EXPECT_THAT(
        ebpf_last_error(),
        StartsWith("call_depth_exceeded: local calls nested too deeply at pc 1 (`call local "));
    EXPECT_THAT(ebpf_last_error(), EndsWith(": raise the limit with ebpf_set_call_depth()"));
}

// --- instruction limit

/// Counts its own rounds in the input memory until `rounds` are done. The jump backward, at pc 5,
/// costs as many units as the loop has slots.
std::string counting(uint64_t rounds) {
    return "lddw %r3, " + std::to_string(rounds) +
           "\nagain: ldxdw %r0, [%r1]\nadd %r0, 1\nstxdw [%r1], %r0\njne %r0, %r3, again\nexit";
}
constexpr uint64_t units_per_round = 4;
constexpr uint32_t jump_pc = 5;

class instruction_limit : public c_api_test {
protected:
    /// How many rounds an endless count gets.
    uint64_t rounds_within(uint64_t limit) {
        EXPECT_EQ(ebpf_set_instruction_limit(vm(), limit), 0);
        load(counting(UINT64_MAX));
        uint64_t rounds = 0;
        EXPECT_EQ(place_of(run_to_fault(vm(), &rounds, sizeof rounds)),
                  (place{EBPF_FAULT_INSTRUCTION_LIMIT, jump_pc}));
        return rounds;
    }

    /// Whether a count to `rounds` comes to its end.
    bool suffices(uint64_t limit, uint64_t rounds) {
        EXPECT_EQ(ebpf_set_instruction_limit(vm(), limit), 0);
        load(counting(rounds));
        uint64_t counted = 0;
        return ebpf_exec(vm(), &counted, sizeof counted, static_cast<int64_t *>(nullptr)) == 0;
    }
};

constexpr uint64_t slice = uint64_t{1} << 20;

TEST_F(instruction_limit, is_exact) {
    // The first round is free: nothing is charged before the first jump backward.
    for (const uint64_t limit :
         {uint64_t{1}, uint64_t{3}, uint64_t{4}, uint64_t{5}, uint64_t{7}, uint64_t{8},
          uint64_t{1000}, slice - 5, slice - 4, slice - 1, slice, slice + 1, slice + 3, slice + 4,
          2 * slice - 1, 2 * slice, 2 * slice + 4, 3 * slice + 7}) {
        EXPECT_EQ(rounds_within(limit), 1 + limit / units_per_round) << limit;
    }
}

TEST_F(instruction_limit, that_is_just_met_suffices) {
    for (const uint64_t rounds :
         {uint64_t{2}, uint64_t{100}, slice / 4, slice / 4 + 1, slice / 4 + 2, slice / 2 + 1}) {
        const uint64_t needed = units_per_round * (rounds - 1);
        EXPECT_TRUE(suffices(needed, rounds)) << rounds << ": " << ebpf_last_error();
        EXPECT_FALSE(suffices(needed - 1, rounds)) << rounds;
        EXPECT_EQ(place_of(last_fault()), (place{EBPF_FAULT_INSTRUCTION_LIMIT, jump_pc}));
    }
}

TEST_F(instruction_limit, of_0_is_none) { EXPECT_TRUE(suffices(0, 3 * slice)); }
TEST_F(instruction_limit, may_be_the_largest_number) {
    EXPECT_TRUE(suffices(UINT64_MAX, 2 * slice));
}

TEST_F(instruction_limit, is_each_runs_own) {
    const uint64_t rounds = 100;
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(suffices(units_per_round * (rounds - 1), rounds));
}

TEST_F(instruction_limit, is_not_spent_by_straight_code) {
    ASSERT_EQ(ebpf_set_instruction_limit(vm(), 1), 0);
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "add %r0, 1\n";
    load(text + "exit");
    EXPECT_EQ(run(vm()), 1000U);
}

TEST_F(instruction_limit, is_spent_by_calls) {
    // f has 3 slots on its longest path, so each call costs 3.
    load("call local f\ncall local f\nexit\nf: mov %r0, 1\nadd %r0, 1\nexit");
    ASSERT_EQ(ebpf_set_instruction_limit(vm(), 6), 0);
    EXPECT_EQ(run(vm()), 2U);
    ASSERT_EQ(ebpf_set_instruction_limit(vm(), 5), 0);
    EXPECT_EQ(place_of(run_to_fault(vm())), (place{EBPF_FAULT_INSTRUCTION_LIMIT, 1}));
    ASSERT_EQ(ebpf_set_instruction_limit(vm(), 2), 0);
    EXPECT_EQ(place_of(run_to_fault(vm())), (place{EBPF_FAULT_INSTRUCTION_LIMIT, 0}));
}

TEST_F(instruction_limit, ends_a_jump_to_itself) {
    ASSERT_EQ(ebpf_set_instruction_limit(vm(), 1'000'000), 0);
    load("ja -1\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())), (place{EBPF_FAULT_INSTRUCTION_LIMIT, 0}));
}

TEST_F(instruction_limit, tells_how_to_raise_it) {
    rounds_within(10);
    EXPECT_STREQ(ebpf_last_error(),
                 "instruction_limit: instruction limit reached at pc 5 (`jne %r0, %r3, -4`): raise "
                 "the limit with ebpf_set_instruction_limit()");
}

// --- interrupts

class interrupts : public c_api_test {
protected:
    interrupts() { ebpf_set_instruction_limit(vm(), 0); }
};

/// Waits until the program has written its first round to `memory`.
void wait_until_running(const uint64_t &memory) {
    while (__atomic_load_n(&memory, __ATOMIC_RELAXED) == 0) std::this_thread::yield();
}

/// Counts for ever, with an atomic, so that another thread may look on.
constexpr const char *endless = "mov %r2, 1\nagain: lock add [%r1], %r2\nja again\nexit";

TEST_F(interrupts, end_an_endless_loop) {
    load(endless);
    alignas(8) uint64_t rounds = 0;  // atomics need it
    std::thread other{[&] {
        wait_until_running(rounds);
        EXPECT_EQ(ebpf_interrupt(vm()), 0);
    }};
    EXPECT_EQ(place_of(run_to_fault(vm(), &rounds, sizeof rounds)),
              (place{EBPF_FAULT_INTERRUPTED, 2}));
    other.join();
    EXPECT_THAT(ebpf_last_error(), StartsWith("interrupted: interrupted at pc 2"));
}

TEST_F(interrupts, end_every_run_that_is_in_progress) {
    load(endless);
    constexpr size_t threads = 4;
    alignas(8) std::array<uint64_t, threads> rounds{};
    std::vector<std::thread> running;
    for (uint64_t &r : rounds) {
        running.emplace_back([&] {
            EXPECT_EQ(place_of(run_to_fault(vm(), &r, sizeof r)),
                      (place{EBPF_FAULT_INTERRUPTED, 2}));
        });
    }
    for (const uint64_t &r : rounds) wait_until_running(r);
    EXPECT_EQ(ebpf_interrupt(vm()), 0);
    for (std::thread &t : running) t.join();
}

TEST_F(interrupts, do_not_concern_runs_that_begin_later) {
    load("mov %r1, " + std::to_string(3 * slice) +
         "\nagain: sub %r1, 1\njne %r1, 0, again\nmov %r0, 1\nexit");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ebpf_interrupt(vm()), 0);
    EXPECT_EQ(run(vm()), 1U);
}

TEST_F(interrupts, are_fine_without_a_program) { EXPECT_EQ(ebpf_interrupt(vm()), 0); }

uint64_t interrupt_helper(void *vm, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return static_cast<uint64_t>(ebpf_interrupt(static_cast<ebpf_vm *>(vm)));
}

TEST_F(interrupts, end_a_run_within_a_slice) {
    // The program interrupts itself, so that the units from there on can be counted.
    ASSERT_EQ(ebpf_register_ctx(vm(), 1, "interrupt", interrupt_helper, vm()), 0);
    for (const uint64_t before : {uint64_t{1}, slice / 8, slice}) {
        load("mov %r6, %r1\nlddw %r7, " + std::to_string(before) +
             "\nagain: sub %r7, 1\njne %r7, 0, again\ncall 1\nmov %r2, 1\n"
             "loop: lock add [%r6], %r2\nja loop\nexit");
        uint64_t rounds = 0;
        EXPECT_EQ(run_to_fault(vm(), &rounds, sizeof rounds).kind,
                  uint32_t{EBPF_FAULT_INTERRUPTED});
        EXPECT_LE(2 * (rounds - 1), slice) << "2 units a round";
    }
}

TEST_F(interrupts, do_not_hold_up_a_run_that_ends_soon) {
    ASSERT_EQ(ebpf_register_ctx(vm(), 1, "interrupt", interrupt_helper, vm()), 0);
    load("call 1\nmov %r0, 4\nexit");
    EXPECT_EQ(run(vm()), 4U);
    EXPECT_EQ(run(vm()), 4U);
}

TEST_F(interrupts, concern_one_vm_only) {
    const auto other = make_vm();
    ASSERT_EQ(ebpf_register_ctx(vm(), 1, "interrupt", interrupt_helper, other.get()), 0);
    load("call 1\nmov %r1, " + std::to_string(2 * slice) +
         "\nagain: sub %r1, 1\njne %r1, 0, again\nmov %r0, 6\nexit");
    EXPECT_EQ(run(vm()), 6U);
}

}  // namespace
