// bpftime-vm: loading, replacing, unloading and running, over and over
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <gmock/gmock.h>

#include <string>

namespace {

using namespace c_api;
using ::testing::StartsWith;

std::string returns(uint64_t value) { return "lddw %r0, " + std::to_string(value) + "\nexit"; }

/// `size` slots of which the last is `exit`, all others r0 = 1.
std::vector<uint8_t> program_of(size_t size) {
    std::vector<uint8_t> code(8 * size);
    for (size_t pc = 0; pc + 1 < size; ++pc) {
        code[8 * pc] = 0xb7;
        code[8 * pc + 4] = 1;
    }
    code[8 * (size - 1)] = 0x95;
    return code;
}

int load_bytes(ebpf_vm *vm, const std::vector<uint8_t> &code) {
    return ebpf_load(vm, code.data(), static_cast<uint32_t>(code.size()), nullptr);
}

class lifecycle : public c_api_test {};

TEST_F(lifecycle, a_program_runs_as_often_as_one_likes) {
    load("mov %r0, %r2\nadd %r0, 1\nexit");
    uint8_t memory[64] = {};
    for (size_t length = 0; length <= sizeof memory; ++length)
        EXPECT_EQ(run(vm(), memory, length), length + 1);
}

TEST_F(lifecycle, nothing_is_left_of_the_run_before) {
    load("ldxdw %r0, [%r10-8]\nmov %r1, 1\nstxdw [%r10-8], %r1\nexit");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(run(vm()), 0U) << "stack bytes of run " << i;
}

TEST_F(lifecycle, load_replaces) {
    for (uint64_t value = 0; value < 100; ++value) {
        load(returns(value));
        EXPECT_EQ(run(vm()), value);
    }
}

TEST_F(lifecycle, load_before_the_first_run_replaces) {
    load(returns(1));
    load(returns(2));
    EXPECT_EQ(run(vm()), 2U);
}

TEST_F(lifecycle, failed_load_keeps_the_program) {
    load(returns(11));
    const uint8_t unknown_opcode[8] = {0xff};
    EXPECT_EQ(ebpf_load(vm(), unknown_opcode, 8, nullptr), EBPF_ERROR_INVALID_PROGRAM);
    EXPECT_EQ(run(vm()), 11U) << "not run before";
    for (const char *const bad : {"mov %r0, 1", "ja +5\nexit", "call local +9\nexit"}) {
        EXPECT_EQ(c_api::load(vm(), bad), EBPF_ERROR_INVALID_PROGRAM) << bad;
        EXPECT_EQ(run(vm()), 11U) << bad;
    }
    EXPECT_EQ(ebpf_load(vm(), nullptr, 8, nullptr), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_load(vm(), unknown_opcode, 0, nullptr), EBPF_ERROR_INVALID_PROGRAM);
    EXPECT_EQ(run(vm()), 11U);
}

TEST_F(lifecycle, failed_load_without_program_leaves_none) {
    EXPECT_LT(c_api::load(vm(), "mov %r0, 1"), 0);
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_NO_PROGRAM);
}

TEST_F(lifecycle, unload_drops_the_program) {
    load(returns(1));
    EXPECT_EQ(run(vm()), 1U);
    ebpf_unload_code(vm());
    int64_t result = 77;
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_NO_PROGRAM);
    EXPECT_EQ(result, 77);
    ebpf_unload_code(vm());
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_NO_PROGRAM)
        << "unloading twice is fine";
}

TEST_F(lifecycle, after_unload_the_next_program_runs_not_the_old_one) {
    for (uint64_t value = 0; value < 50; ++value) {
        load(returns(value));
        EXPECT_EQ(run(vm()), value);
        ebpf_unload_code(vm());
        load(returns(~value));
        EXPECT_EQ(run(vm()), ~value);
        ebpf_unload_code(vm());
    }
}

TEST_F(lifecycle, unload_keeps_helpers_and_settings) {
    ASSERT_EQ(ebpf_register(
                  vm(), 5, "seven",
                  +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{7}; }),
              0);
    ASSERT_EQ(ebpf_set_call_depth(vm(), 1), 0);
    load("exit");
    ebpf_unload_code(vm());
    load("call 5\nexit");
    EXPECT_EQ(run(vm()), 7U);
    load("call local f\nexit\nf: exit");
    EXPECT_EQ(run_to_fault(vm()).kind, uint32_t{EBPF_FAULT_CALL_DEPTH_EXCEEDED});
}

TEST_F(lifecycle, compile_is_a_function_or_a_message) {
    load(returns(5));
    char *raw = nullptr;
    const ebpf_jit_fn fn = ebpf_compile(vm(), &raw);
    const message_ptr message{raw};
    EXPECT_EQ(fn == nullptr, message != nullptr);
    if (fn == nullptr) {
        EXPECT_THAT(message.get(),
                    testing::HasSubstr("native code is not supported by backend ubpf"));
    } else {
        EXPECT_EQ(fn(nullptr, 0), 5U);
    }
    EXPECT_EQ(run(vm()), 5U) << "the VM runs the program all the same";
}

TEST_F(lifecycle, most_instructions_is_inclusive) {
    EXPECT_EQ(load_bytes(vm(), program_of(EBPF_MAX_INSTS)), 0) << ebpf_last_error();
    EXPECT_EQ(run(vm()), 1U);
    EXPECT_EQ(load_bytes(vm(), program_of(EBPF_MAX_INSTS + 1)), EBPF_ERROR_INVALID_PROGRAM);
    EXPECT_THAT(ebpf_last_error(),
                StartsWith("program of 65537 instructions exceeds the limit of 65536"));
    EXPECT_EQ(run(vm()), 1U);
}

TEST_F(lifecycle, most_instructions_can_be_lowered_and_raised) {
    ASSERT_EQ(ebpf_set_max_insns(vm(), 1), 0);
    EXPECT_EQ(load_bytes(vm(), program_of(1)), 0);
    EXPECT_EQ(load_bytes(vm(), program_of(2)), EBPF_ERROR_INVALID_PROGRAM);
    ASSERT_EQ(ebpf_set_max_insns(vm(), 2), 0);
    EXPECT_EQ(load_bytes(vm(), program_of(2)), 0);
    ASSERT_EQ(ebpf_set_max_insns(vm(), 1), 0);
    EXPECT_EQ(run(vm()), 1U) << "the limit is about loading";
    ASSERT_EQ(ebpf_set_max_insns(vm(), 1'000'000), 0);
    EXPECT_EQ(load_bytes(vm(), program_of(1'000'000)), 0) << ebpf_last_error();
    EXPECT_EQ(run(vm()), 1U);
    EXPECT_EQ(load_bytes(vm(), program_of(1'000'001)), EBPF_ERROR_INVALID_PROGRAM);
}

TEST_F(lifecycle, settings_between_runs_take_effect) {
    load("call local f\nexit\nf: mov %r0, 3\nexit");
    EXPECT_EQ(run(vm()), 3U);
    ASSERT_EQ(ebpf_set_call_depth(vm(), 1), 0);
    EXPECT_EQ(run_to_fault(vm()).kind, uint32_t{EBPF_FAULT_CALL_DEPTH_EXCEEDED});
    ASSERT_EQ(ebpf_set_call_depth(vm(), 2), 0);
    EXPECT_EQ(run(vm()), 3U);
}

TEST(lifecycles, create_and_destroy_a_thousand_times) {
    for (int i = 0; i < 1000; ++i) {
        const auto vm = make_vm();
        ASSERT_NE(vm, nullptr);
        if (i % 2 == 0) {
            EXPECT_EQ(c_api::load(vm.get(), "exit"), 0);
        }
        if (i % 4 == 0) {
            EXPECT_EQ(run(vm.get()), 0U);
        }
    }
}

TEST(lifecycles, a_hundred_vms_live_side_by_side) {
    std::vector<vm_ptr> vms;
    std::vector<uint64_t> contexts(100);
    for (size_t i = 0; i < 100; ++i) {
        vms.push_back(make_vm());
        contexts[i] = 1000 + i;
        const auto read_context = [](void *context, uint64_t, uint64_t, uint64_t, uint64_t,
                                     uint64_t) { return *static_cast<uint64_t *>(context); };
        ASSERT_EQ(ebpf_register_ctx(vms[i].get(), 1, "context", read_context, &contexts[i]), 0);
        // Every second one has no program of its own yet.
        if (i % 2 == 0) {
            ASSERT_EQ(c_api::load(vms[i].get(), returns(i)), 0);
        }
    }
    for (size_t i = 0; i < 100; i += 2) EXPECT_EQ(run(vms[i].get()), i);
    for (size_t i = 0; i < 100; ++i) ASSERT_EQ(c_api::load(vms[i].get(), "call 1\nexit"), 0);
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < 100; ++i) EXPECT_EQ(run(vms[i].get()), 1000 + i);
    }
    for (size_t i = 0; i < 100; i += 3) vms[i].reset();
    for (size_t i = 0; i < 100; ++i) {
        if (vms[i] == nullptr) continue;
        EXPECT_EQ(run(vms[i].get()), 1000 + i) << "its neighbour is gone";
    }
}

TEST(lifecycles, settings_of_one_vm_are_not_those_of_another) {
    const auto strict = make_vm();
    const auto normal = make_vm();
    ASSERT_EQ(ebpf_set_call_depth(strict.get(), 1), 0);
    ASSERT_EQ(ebpf_set_max_insns(strict.get(), 3), 0);
    const char *const calls = "call local f\nexit\nf: exit";
    ASSERT_EQ(c_api::load(strict.get(), calls), 0);
    ASSERT_EQ(c_api::load(normal.get(), calls), 0);
    run_to_fault(strict.get());
    run(normal.get());
    EXPECT_LT(c_api::load(strict.get(), "mov %r0, 1\nmov %r0, 1\nmov %r0, 1\nexit"), 0);
    EXPECT_EQ(c_api::load(normal.get(), "mov %r0, 1\nmov %r0, 1\nmov %r0, 1\nexit"), 0);
}

}  // namespace
