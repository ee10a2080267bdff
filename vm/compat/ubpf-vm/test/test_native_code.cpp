// bpftime-vm: the light backend's native code beside its interpreter
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/fault.hpp"
#include "ebpf-vm.h"
#include "programs.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

namespace bpftime::vm::ubpf::test {

using vm::test::assemble;

namespace {

class native_code : public testing::Test {
protected:
    void load(std::string_view assembly) {
        const auto code = assemble(assembly);
        ASSERT_EQ(vm_.load_code(code.data(), code.size()), 0) << vm_.error_message();
    }
    int64_t result(void *mem = nullptr, std::size_t len = 0) {
        int64_t r0 = -1;
        EXPECT_EQ(vm_.exec(mem, len, r0), 0) << vm_.error_message();
        return r0;
    }

    ebpf_vm vm_{"ubpf"};
};

}  // namespace

TEST_F(native_code, is_a_function) {
    load("mov r0, r2\nldxb r3, [r1+1]\nadd r0, r3\nexit");
    const auto entry = vm_.compile();
    ASSERT_NE(entry, nullptr) << vm_.error_message();
    std::array<uint8_t, 5> memory{0, 40};
    EXPECT_EQ(entry(memory.data(), memory.size()), 45U);
    EXPECT_EQ(entry(memory.data(), 1), std::numeric_limits<uint64_t>::max());
    EXPECT_EQ(compat::last_fault().kind, compat::fault_kind::out_of_bounds_read);
    EXPECT_EQ(compat::last_fault().pc, 1U);
    EXPECT_EQ(entry(memory.data(), memory.size()), 45U);
    EXPECT_EQ(compat::last_fault().kind, compat::fault_kind::none);
}

TEST_F(native_code, is_the_same_when_it_is_asked_for_again) {
    load("mov r0, 1\nexit");
    const auto entry = vm_.compile();
    EXPECT_EQ(vm_.compile(), entry);
    EXPECT_EQ(result(), 1);
    EXPECT_EQ(vm_.compile(), entry);
}

TEST_F(native_code, takes_the_place_of_the_interpreter) {
    load("mov r0, 1\nexit");
    EXPECT_EQ(result(), 1) << "by the interpreter";
    ASSERT_NE(vm_.compile(), nullptr);
    EXPECT_EQ(result(), 1);
}

TEST_F(native_code, stays_valid_and_native_when_settings_change) {
    load("ldxdw r0, [r1]\nexit");
    const auto entry = vm_.compile();
    ASSERT_NE(entry, nullptr);
    vm_.toggle_bounds_check(false);
    EXPECT_EQ(entry(nullptr, 0), std::numeric_limits<uint64_t>::max()) << "as it was compiled";
    const auto unchecked = vm_.compile();
    ASSERT_NE(unchecked, nullptr);
    EXPECT_NE(unchecked, entry);
    uint64_t word = 77;
    EXPECT_EQ(result(&word, 0), 77) << "without checks";
}

TEST_F(native_code, is_there_for_one_program) {
    load("mov r0, 1\nexit");
    ASSERT_NE(vm_.compile(), nullptr);
    load("mov r0, 2\nexit");
    EXPECT_EQ(result(), 2);
    const auto entry = vm_.compile();
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry(nullptr, 0), 2U);
    vm_.unload_code();
    EXPECT_EQ(vm_.compile(), nullptr);
    EXPECT_EQ(vm_.error_message().find("no program is loaded"), 0U) << vm_.error_message();
}

TEST_F(native_code, is_refused_by_name_when_a_helper_is_missing) {
    load("call 4711\nexit");
    EXPECT_EQ(vm_.compile(), nullptr);
    EXPECT_NE(vm_.error_message().find("helper 4711"), std::string::npos) << vm_.error_message();
    vm_.register_external_function(
        4711, "eleven",
        +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t { return 11; });
    ASSERT_NE(vm_.compile(), nullptr) << vm_.error_message();
    EXPECT_EQ(result(), 11);
}

TEST_F(native_code, can_be_made_while_others_run_the_program) {
    load(R"(
        mov r0, 0
        mov r3, 1000
        add r0, 3
        sub r3, 1
        jne r3, 0, -3
        exit)");
    std::atomic<bool> wrong = false;
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            for (int n = 0; n < 200; ++n) {
                int64_t r0 = 0;
                if (vm_.exec(nullptr, 0, r0) != 0 or r0 != 3000) wrong = true;
                if (n == 100 and vm_.compile() == nullptr) wrong = true;
            }
        });
    }
    for (std::thread &t : threads) t.join();
    EXPECT_FALSE(wrong);
}

TEST_F(native_code, lets_exceptions_through_many_frames) {
    load(R"(
        mov r6, 6
        mov r1, 5
        call local f
        exit
        f: mov r7, r1
        jeq r7, 0, +3
        sub r1, 1
        call local f
        exit
        call 1
        exit)");
    vm_.register_external_function(
        1, "throws", +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
            throw std::runtime_error{"from a helper"};
        });
    ASSERT_NE(vm_.compile(), nullptr) << vm_.error_message();
    int64_t r0 = 0;
    for (int n = 0; n < 3; ++n)
        EXPECT_THROW(static_cast<void>(vm_.exec(nullptr, 0, r0)), std::runtime_error);
}

/// Every gotox goes to every target: what is looked at for each pair takes quadratic time.
TEST_F(native_code, is_made_in_linear_time_of_many_jumps_by_table) {
    constexpr uint32_t count = 200'000;
    std::vector<uint32_t> targets;
    std::vector<uint8_t> code = assemble("mov r0, 7");
    const auto jump = assemble("gotox r1");
    for (uint32_t pc = 1; pc <= count; ++pc) {
        code.insert(code.end(), jump.begin(), jump.end());
        targets.push_back(pc);
    }
    const auto leave = assemble("exit");
    code.insert(code.end(), leave.begin(), leave.end());
    targets.push_back(count + 1);
    ASSERT_EQ(vm_.set_jump_targets(targets.data(), targets.size()), 0);
    ASSERT_EQ(vm_.set_limit(compat::vm_limit::insns, count + 2), 0);
    ASSERT_EQ(vm_.load_code(code.data(), code.size()), 0) << vm_.error_message();
    ASSERT_NE(vm_.compile(), nullptr) << vm_.error_message();
    int64_t r0 = 0;
    EXPECT_EQ(vm_.exec(nullptr, 0, r0), EBPF_ERROR_FAULT) << "r1 is no handle";
    EXPECT_EQ(compat::last_fault().pc, 1U);
}

TEST_F(native_code, multiplies_by_one_in_32_bits) {
    load("ldxdw r0, [r1]\nmul32 r0, 1\nexit");
    ASSERT_NE(vm_.compile(), nullptr);
    uint64_t word = 0x1234'5678'9abc'def0;
    EXPECT_EQ(result(&word, sizeof word), 0x9abc'def0);
}

/// Jumps over more and less than 127 bytes, forwards and backwards.
TEST_F(native_code, jumps_near_and_far) {
    for (int distance = 0; distance < 80; ++distance) {
        std::string text = "mov r0, 0\nmov r3, 3\nja +1\nexit\njeq r3, 0, -2\nsub r3, 1\n";
        text += "jeq r3, 99, +" + std::to_string(distance) + "\n";
        for (int n = 0; n < distance; ++n) text += n % 2 == 0 ? "add r0, 1\n" : "add r0, 1000000\n";
        text += "ja -" + std::to_string(distance + 4) + "\nexit";
        load(text);
        ASSERT_NE(vm_.compile(), nullptr) << vm_.error_message();
        const int64_t each = (distance + 1) / 2 + distance / 2 * 1000000;
        EXPECT_EQ(result(), 3 * each) << distance;
    }
}

}  // namespace bpftime::vm::ubpf::test
