// bpftime-vm: the C++ interface: struct ebpf_vm with lambdas, helpers of any signature, exceptions
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/fault.hpp"
#include "compat/run.hpp"
#include "isa/text.hpp"
#include "minimal_vm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace bpftime::vm;
using namespace bpftime::vm::compat;
using ::testing::HasSubstr;

class cpp_interface : public ::testing::Test {
protected:
    void load(std::string_view text) {
        const auto code = isa::assemble(text);
        ASSERT_TRUE(code) << code.error().message;
        ASSERT_EQ(vm_->load_code(code->data(), code->size()), 0) << vm_->error_message();
    }

    int64_t run() {
        int64_t result = -1;
        EXPECT_EQ(vm_->exec(nullptr, 0, result), 0) << vm_->error_message();
        return result;
    }

    std::unique_ptr<ebpf_vm> vm_ = std::make_unique<ebpf_vm>("ubpf");
};

TEST_F(cpp_interface, has_a_name) {
    EXPECT_EQ(vm_->name(), "ubpf");
    EXPECT_EQ(vm_->impl().backend_name(), "ubpf");
}

TEST_F(cpp_interface, takes_the_best_backend_for_no_name) {
    EXPECT_EQ(ebpf_vm{""}.name(), create_vm_instance("")->backend_name());
}

TEST_F(cpp_interface, throws_for_unknown_names_alone) {
    EXPECT_THROW(ebpf_vm{"nope"}, std::runtime_error);
    int64_t result = 0;
    EXPECT_EQ(vm_->exec(nullptr, 0, result), EBPF_ERROR_NO_PROGRAM);
    EXPECT_EQ(vm_->error_message(), "no program is loaded: load a program with ebpf_load() first");
}

TEST_F(cpp_interface, checks_arguments_as_the_c_interface_does) {
    int64_t result = 0;
    EXPECT_EQ(vm_->load_code(nullptr, 8), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->exec(nullptr, 1, result), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->exec_regions(nullptr, 0, nullptr, 1, result), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->register_region(nullptr, 8, EBPF_PERM_READ), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->set_jump_targets(nullptr, 1), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->set_limit(vm_limit::stack_size, 8), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->set_limit(static_cast<vm_limit>(99), 8), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->error_message(), "limit 99 is unknown");
    EXPECT_EQ(vm_->set_limit(vm_limit::insns, uint64_t{1} << 32 | 1), EBPF_ERROR_INVALID_ARGUMENT)
        << "the upper half must not get lost";
}

TEST_F(cpp_interface, has_helper_ids_of_32_bits) {
    if constexpr (sizeof(size_t) <= 4) GTEST_SKIP() << "all ids have 32 bits on this machine";
    constexpr size_t too_large = static_cast<size_t>(uint64_t{1} << 32);
    const auto f = +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{3}; };
    EXPECT_EQ(vm_->register_external_function(too_large, "f", f), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->error_message(), "helper id 4294967296 does not fit 32 bits");
    EXPECT_EQ(vm_->unregister_external_function(too_large), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->set_unwind_function_index(SIZE_MAX), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->register_external_function(too_large - 1, "f", f), 0);
    load("call 4294967295\nexit");
    EXPECT_EQ(run(), 3);
}

// --- lddw

TEST_F(cpp_interface, takes_lambdas_with_captures) {
    const uint64_t base = 0x1234'0000'0000;
    std::string seen;
    ASSERT_EQ(vm_->set_lddw_helpers([&](uint32_t fd) { return seen += "f", base + fd; },
                                    [&](uint32_t idx) { return seen += "i", base + 2 * idx; },
                                    [&](uint64_t map) { return seen += "v", map + 1; },
                                    [&](uint32_t idx) { return seen += "a", base + 3 * idx; },
                                    [&](uint32_t idx) { return seen += "c", base + 4 * idx; }),
              0);
    const auto value_of = [&](const char *operand) {
        load("lddw %r0, " + std::string{operand} + "\nexit\nexit");
        return static_cast<uint64_t>(run()) - base;
    };
    EXPECT_EQ(value_of("map_by_fd(10)"), 10U);
    EXPECT_EQ(value_of("map_by_idx(10)"), 20U);
    EXPECT_EQ(value_of("map_val(map_by_fd(10))"), 11U);
    EXPECT_EQ(value_of("var_addr(10)"), 30U);
    EXPECT_EQ(value_of("code_addr(+2)"), 8U);
    EXPECT_EQ(seen, "fifvac");
}

TEST_F(cpp_interface, takes_some_lambdas_and_leaves_the_others_out) {
    ASSERT_EQ(vm_->set_lddw_helpers([](uint32_t fd) { return uint64_t{fd}; }), 0);
    load("lddw %r0, map_by_fd(10)\nexit");
    EXPECT_EQ(run(), 10);
    load("lddw %r0, map_by_idx(10)\nexit");
    int64_t result = 0;
    EXPECT_EQ(vm_->exec(nullptr, 0, result), EBPF_ERROR_UNRESOLVED);
    EXPECT_THAT(vm_->error_message(), HasSubstr("lddw needs the callback map_by_idx"));
}

TEST_F(cpp_interface, takes_functions_that_return_int) {
    // The types of the specification's struct lddw_helpers.
    int (*const map_by_fd)(uint32_t) = [](uint32_t fd) { return static_cast<int>(fd) + 1; };
    int (*const map_val)(uint64_t) = [](uint64_t map) { return static_cast<int>(map) + 100; };
    lddw_helpers helpers;
    helpers.map_by_fd = map_by_fd;
    helpers.map_val = map_val;
    ASSERT_EQ(vm_->set_lddw_helpers(helpers), 0);
    load("lddw %r0, map_val(map_by_fd(10))\nexit");
    EXPECT_EQ(run(), 111);
    ASSERT_EQ(vm_->set_lddw_helpers(map_by_fd, nullptr, map_val), 0);
    EXPECT_EQ(run(), 111);
}

TEST_F(cpp_interface, keeps_sizes_when_callbacks_change_and_the_other_way_round) {
    uint64_t value = 5;
    const auto address = [&](uint32_t) { return reinterpret_cast<uintptr_t>(&value); };
    ASSERT_EQ(vm_->set_lddw_size_helpers(nullptr, nullptr, nullptr,
                                         [](uint32_t) { return sizeof value; }),
              0);
    ASSERT_EQ(vm_->set_lddw_helpers(nullptr, nullptr, nullptr, address), 0);
    load("lddw %r1, var_addr(1)\nldxdw %r0, [%r1]\nexit");
    EXPECT_EQ(run(), 5);
    ASSERT_EQ(vm_->set_lddw_size_helpers(nullptr, nullptr, nullptr,
                                         [](uint32_t) { return sizeof value; }),
              0);
    EXPECT_EQ(run(), 5);
    lddw_helpers all;
    all.var_addr = address;
    ASSERT_EQ(vm_->set_lddw_helpers(all), 0);
    int64_t result = 0;
    EXPECT_EQ(vm_->exec(nullptr, 0, result), EBPF_ERROR_FAULT)
        << "the struct sets all of them, sizes included";
}

TEST_F(cpp_interface, lets_go_of_captures_when_it_ends) {
    const auto captured = std::make_shared<int>(1);
    vm_->set_lddw_helpers([captured](uint32_t) { return static_cast<uint64_t>(*captured); });
    load("lddw %r0, map_by_fd(10)\nexit");
    EXPECT_EQ(run(), 1);
    EXPECT_GT(captured.use_count(), 1);
    vm_.reset();
    EXPECT_EQ(captured.use_count(), 1);
}

TEST_F(cpp_interface, lets_go_of_captures_that_are_replaced) {
    const auto captured = std::make_shared<int>(1);
    vm_->set_lddw_helpers([captured](uint32_t) { return static_cast<uint64_t>(*captured); });
    vm_->set_lddw_helpers(nullptr);
    EXPECT_EQ(captured.use_count(), 1);
}

// --- helpers

int32_t add_two(int32_t a, int32_t b) { return a + b; }
int64_t last = 0;
void keep(int64_t value) noexcept { last = value; }
uint64_t answer() { return 42; }
long print(const char *, uint32_t, ...) { return 7; }

TEST_F(cpp_interface, takes_helpers_of_any_signature) {
    if (sizeof(void *) < 8)
        GTEST_SKIP() << "arguments of another size lie elsewhere on this machine";
    EXPECT_EQ(vm_->register_external_function(1, "add_two", add_two), 0);
    EXPECT_EQ(vm_->register_external_function(2, "keep", &keep), 0);
    EXPECT_EQ(vm_->register_external_function(3, "answer", reinterpret_cast<void *>(answer)), 0);
    EXPECT_EQ(vm_->register_external_function(4, "print", print), 0);
    load(
        "mov %r1, 3\nmov %r2, -5\ncall 1\nmovsx3264 %r1, %r0\ncall 2\ncall 4\nmov %r6, %r0\n"
        "call 3\nadd %r0, %r6\nexit");
    EXPECT_EQ(run(), 49);
    EXPECT_EQ(last, -2);
}

TEST_F(cpp_interface, refuses_helpers_that_are_null) {
    EXPECT_EQ(vm_->register_external_function(1, "null", nullptr), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->register_external_function(1, "null", static_cast<void *>(nullptr)),
              EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->register_external_function(1, "null", static_cast<external_function_t>(nullptr)),
              EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm_->error_message(), "helper 1 cannot be registered: function is NULL");
}

TEST_F(cpp_interface, takes_lambdas_without_captures_as_helpers) {
    EXPECT_EQ(
        vm_->register_external_function(
            1, "twice", [](uint64_t a, uint64_t, uint64_t, uint64_t, uint64_t) { return 2 * a; }),
        0);
    load("mov %r1, 21\ncall 1\nexit");
    EXPECT_EQ(run(), 42);
}

TEST_F(cpp_interface, lets_exceptions_of_helpers_through) {
    static bool throws = true;
    ASSERT_EQ(vm_->register_external_function(
                  1, "throws",
                  [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
                      if (throws) throw std::domain_error("from a helper");
                      return 4;
                  }),
              0);
    load("call 1\nexit");
    int64_t result = 9;
    EXPECT_THROW((void)vm_->exec(nullptr, 0, result), std::domain_error);
    EXPECT_EQ(result, 9);
    EXPECT_EQ(compat::run::current(), nullptr) << "the run has ended";
    throws = false;
    EXPECT_EQ(run(), 4);
}

// --- advanced features, where they are not supported

TEST_F(cpp_interface, says_what_is_not_supported) {
    load("exit");
    EXPECT_FALSE(vm_->do_get_ptx().has_value());
    EXPECT_EQ(vm_->error_message(), "do_get_ptx is not supported by backend ubpf");
    EXPECT_TRUE(vm_->do_aot_compile().empty());
    EXPECT_TRUE(vm_->do_aot_compile(ebpf_aot_options{}).empty());
    EXPECT_EQ(vm_->error_message(), "do_aot_compile is not supported by backend ubpf");
    EXPECT_EQ(vm_->load_aot_object({}), nullptr);
    EXPECT_EQ(vm_->error_message(), "load_aot_object is not supported by backend ubpf");
}

TEST_F(cpp_interface, records_errors_of_its_own) {
    EXPECT_EQ(vm_->fail(EBPF_ERROR_NOT_FOUND, "nowhere"), EBPF_ERROR_NOT_FOUND);
    EXPECT_EQ(vm_->error_message(), "nowhere");
}

}  // namespace
