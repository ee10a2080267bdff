// bpftime-vm: what is told of every kind of fault, and for how long
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <gmock/gmock.h>

#include <array>
#include <thread>

namespace {

using namespace c_api;
using ::testing::StartsWith;

std::array<uint8_t, 16> constant{};

struct fault_case {
    const char *name;
    const char *text;
    place expected;
    const char *message;

    friend std::ostream &operator<<(std::ostream &out, const fault_case &c) {
        return out << c.name;
    }
};

// Every program runs with 16 bytes of input memory, a limit of 1000 units, and the jump table {5}.
const auto fault_cases = std::to_array<fault_case>({
    {"out_of_bounds_read",
     "mov %r0, 0\nldxw %r0, [%r1+14]\nexit\nexit\nexit\nexit",
     {EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_INPUT, 0, 14, 4},
     "out_of_bounds_read: read outside the memory that the program was given at pc 1 (`ldxw %r0, "
     "[%r1+14]`): 4 bytes at offset 14 of the input memory"},
    {"out_of_bounds_write",
     "stxdw [%r10-520], %r1\nexit\nexit\nexit\nexit\nexit",
     {EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 0, EBPF_REGION_STACK, 0, -8, 8},
     "out_of_bounds_write: write outside the memory that the program was given at pc 0 (`stxdw "
     "[%r10-520], %r1`): 8 bytes at offset -8 of stack frame 0"},
    {"nobodys_memory",
     "mov %r2, 8\nldxb %r0, [%r2]\nexit\nexit\nexit\nexit",
     {EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_NONE, 0, 0, 1},
     "out_of_bounds_read: read outside the memory that the program was given at pc 1 (`ldxb %r0, "
     "[%r2]`): 1 bytes at memory that nobody granted (register it with ebpf_register_region(), "
     "give it with ebpf_exec_regions(), or grant it in a helper with ebpf_grant())"},
    {"read_only_write",
     "mov %r0, 0\ncall 1\nsth [%r0+14], 1\nexit\nexit\nexit",
     {EBPF_FAULT_READ_ONLY_WRITE, 2, EBPF_REGION_REGISTERED, 0, 14, 2},
     "read_only_write: write to read-only memory at pc 2 (`sth [%r0+14], 1`): 2 bytes at offset 14 "
     "of registered region 0"},
    {"atomic_beyond_the_frame",
     "lock add32 [%r10-3], %r1\nexit\nexit\nexit\nexit\nexit",
     {EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 0, EBPF_REGION_STACK, 0, EBPF_STACK_SIZE - 3, 4},
     "out_of_bounds_write: write outside"},
    {"misaligned_atomic",
     "lock add32 [%r10-7], %r1\nexit\nexit\nexit\nexit\nexit",
     {EBPF_FAULT_MISALIGNED_ATOMIC, 0, EBPF_REGION_STACK, 0, EBPF_STACK_SIZE - 7, 4},
     "misaligned_atomic: atomic operation on an address that is not a multiple of its size at pc 0 "
     "(`lock add32 [%r10-7], %r1`): 4 bytes at offset 505 of stack frame 0"},
    {"call_depth_exceeded",
     "call local f\nexit\nf: call local f\nexit\nexit\nexit",
     {EBPF_FAULT_CALL_DEPTH_EXCEEDED, 2},
     "call_depth_exceeded: local calls nested too deeply at pc 2 (`call local -1`): raise the "
     "limit with ebpf_set_call_depth()"},
    {"instruction_limit",
     "mov %r0, 0\nja -1\nexit\nexit\nexit\nexit",
     {EBPF_FAULT_INSTRUCTION_LIMIT, 1},
     "instruction_limit: instruction limit reached at pc 1 (`ja -1`): raise the limit with "
     "ebpf_set_instruction_limit()"},
    {"bad_call_target",
     "mov %r2, 3\nmov %r0, 0\ncallx %r2\nexit\nexit\nexit",
     {EBPF_FAULT_BAD_CALL_TARGET, 2},
     "bad_call_target: callx of a value that is neither a local function nor a registered helper "
     "at pc 2 (`callx %r2`)"},
    {"bad_jump_target",
     "mov %r2, 5\nmov %r0, 0\nmov %r0, 0\ngotox %r2\nexit\nexit",
     {EBPF_FAULT_BAD_JUMP_TARGET, 3},
     "bad_jump_target: gotox to a value that is not in the function's jump tables at pc 3 (`gotox "
     "%r2`)"},
});

class fault : public ::testing::TestWithParam<fault_case> {
protected:
    fault() {
        constexpr uint32_t target = 5;
        ebpf_set_instruction_limit(vm_.get(), 1000);
        ebpf_set_jump_targets(vm_.get(), &target, 1);
        ebpf_register_region(vm_.get(), constant.data(), constant.size(), EBPF_PERM_READ);
        ebpf_register(
            vm_.get(), 1, "constant", +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
                return address_of(constant.data());
            });
    }

    vm_ptr vm_ = make_vm();
    std::array<uint8_t, 16> input_{};
};

TEST_P(fault, is_told_in_numbers_and_words) {
    ASSERT_EQ(load(vm_.get(), GetParam().text), 0) << ebpf_last_error();
    EXPECT_EQ(place_of(run_to_fault(vm_.get(), input_.data(), input_.size())), GetParam().expected);
    EXPECT_THAT(ebpf_last_error(), StartsWith(GetParam().message));
}

TEST_P(fault, is_the_same_every_time) {
    ASSERT_EQ(load(vm_.get(), GetParam().text), 0);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(place_of(run_to_fault(vm_.get(), input_.data(), input_.size())),
                  GetParam().expected);
    }
}

TEST_P(fault, is_forgotten_when_the_next_run_begins) {
    ASSERT_EQ(load(vm_.get(), GetParam().text), 0);
    run_to_fault(vm_.get(), input_.data(), input_.size());
    ASSERT_EQ(load(vm_.get(), "mov %r0, 1\nexit\nexit\nexit\nexit\nexit"), 0);
    EXPECT_EQ(last_fault().kind, GetParam().expected.kind) << "loading is no run";
    EXPECT_EQ(run(vm_.get()), 1U);
    const ebpf_fault none = last_fault();
    EXPECT_EQ(place_of(none), place{});
    EXPECT_EQ(none.address, 0U);
}

INSTANTIATE_TEST_SUITE_P(c_api, fault, ::testing::ValuesIn(fault_cases),
                         [](const auto &c) { return std::string{c.param.name}; });

class last_fault_test : public c_api_test {
protected:
    void fault_once() {
        const auto other = make_vm();
        ASSERT_EQ(c_api::load(other.get(), "ldxb %r0, [%r0]\nexit"), 0);
        run_to_fault(other.get());
    }
};

TEST_F(last_fault_test, outlives_its_vm) {
    fault_once();
    EXPECT_EQ(place_of(last_fault()),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 0, EBPF_REGION_NONE, 0, 0, 1}));
}

TEST_F(last_fault_test, is_cleared_by_runs_that_cannot_begin) {
    int64_t result = 0;
    fault_once();
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_NO_PROGRAM);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0) << "nothing loaded";

    load("call 1\nexit");
    fault_once();
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_UNRESOLVED);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0) << "helper missing";

    load("exit");
    fault_once();
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 1, &result), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0) << "bad memory";

    fault_once();
    EXPECT_EQ(ebpf_exec_regions(vm(), nullptr, 0, nullptr, 1, &result),
              EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0) << "bad regions";
}

TEST_F(last_fault_test, stays_until_then) {
    fault_once();
    EXPECT_EQ(c_api::load(vm(), "exit"), 0);
    EXPECT_EQ(ebpf_unregister(vm(), 1), EBPF_ERROR_NOT_FOUND);
    ebpf_unload_code(vm());
    EXPECT_EQ(last_fault().kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
    EXPECT_EQ(last_fault().kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ})
        << "asking does not clear it";
}

TEST_F(last_fault_test, is_each_threads_own) {
    fault_once();
    std::thread{[this] {
        EXPECT_EQ(ebpf_last_fault(nullptr), 0);
        load("stb [%r0], 1\nexit");
        EXPECT_EQ(run_to_fault(vm()).kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_WRITE});
    }}.join();
    EXPECT_EQ(last_fault().kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
}

TEST_F(last_fault_test, may_be_asked_without_room_for_it) {
    fault_once();
    EXPECT_EQ(ebpf_last_fault(nullptr), 1);
}

TEST_F(last_fault_test, message_tells_no_host_address) {
    load("ldxb %r0, [%r1-1]\nexit");
    uint8_t byte = 0;
    const ebpf_fault f = run_to_fault(vm(), &byte, 1);
    EXPECT_EQ(f.address, address_of(&byte) - 1);
    const std::string message = ebpf_last_error();
    EXPECT_EQ(message.find(std::to_string(f.address)), message.npos);
    char hex[32];
    snprintf(hex, sizeof hex, "%lx", static_cast<unsigned long>(f.address));
    EXPECT_EQ(message.find(hex), message.npos);
}

}  // namespace
