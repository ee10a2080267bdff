// bpftime-vm: what a backend answers by default, and backends that behave badly
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/fault.hpp"
#include "compat/last_error.hpp"
#include "ebpf-vm.h"
#include "minimal_vm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <stdexcept>

namespace {

using namespace bpftime::vm::compat;
using bpftime::vm::compat::test::minimal_vm;
using ::testing::IsEmpty;

uint64_t helper(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t helper_with_context(void *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

std::array<uint8_t, 8> memory{};
const ebpf_region region{memory.data(), memory.size(), EBPF_PERM_READ};

ebpf_helper declared(external_function_t fn, ebpf_ctx_helper_fn ctx_fn) {
    ebpf_helper h{};
    h.id = 1;
    h.fn = fn;
    h.ctx_fn = ctx_fn;
    return h;
}

// --- each virtual function

struct default_case {
    const char *feature;
    /// Calls the function; true if its result says that it failed.
    std::function<bool(ebpf_vm &)> fails;

    friend std::ostream &operator<<(std::ostream &out, const default_case &c) {
        return out << c.feature;
    }
};

bool unsupported(int64_t code) { return code == EBPF_ERROR_UNSUPPORTED; }

const auto default_cases = std::to_array<default_case>({
    {"compile", [](ebpf_vm &v) { return v.compile() == nullptr; }},
    {"unload_code", [](ebpf_vm &v) { return v.unload_code(), true; }},
    {"register_external_function",
     [](ebpf_vm &v) { return unsupported(v.register_external_function(1, "f", helper)); }},
    {"register_external_function",
     [](ebpf_vm &v) { return unsupported(v.register_helper(declared(helper, nullptr))); }},
    {"register_external_function",
     [](ebpf_vm &v) { return v.impl().register_external_function(1, "f", helper), true; }},
    {"a helper with a context",
     [](ebpf_vm &v) {
         return unsupported(v.register_helper(declared(nullptr, helper_with_context)));
     }},
    {"unregister_external_function",
     [](ebpf_vm &v) { return unsupported(v.unregister_external_function(1)); }},
    {"set_unwind_function_index",
     [](ebpf_vm &v) { return unsupported(v.set_unwind_function_index(1)); }},
    {"set_lddw_helpers",
     [](ebpf_vm &v) { return unsupported(v.set_lddw_helpers(lddw_helpers{})); }},
    {"set_lddw_helpers", [](ebpf_vm &v) { return unsupported(v.set_lddw_size_helpers(nullptr)); }},
    {"toggle_bounds_check", [](ebpf_vm &v) { return not v.toggle_bounds_check(true); }},
    {"set_pointer_secret", [](ebpf_vm &v) { return unsupported(v.set_pointer_secret(1)); }},
    {"set_limit", [](ebpf_vm &v) { return unsupported(v.set_limit(vm_limit::stack_size, 16)); }},
    {"register_region",
     [](ebpf_vm &v) { return unsupported(v.register_region(memory.data(), 8, EBPF_PERM_READ)); }},
    {"unregister_region",
     [](ebpf_vm &v) { return unsupported(v.unregister_region(memory.data())); }},
    {"set_jump_targets", [](ebpf_vm &v) { return unsupported(v.set_jump_targets(nullptr, 0)); }},
    {"exec_regions",
     [](ebpf_vm &v) {
         int64_t result = 0;
         return unsupported(v.exec_regions(nullptr, 0, &region, 1, result));
     }},
    {"interrupt", [](ebpf_vm &v) { return unsupported(v.interrupt()); }},
    {"do_aot_compile", [](ebpf_vm &v) { return v.do_aot_compile().empty(); }},
    {"do_aot_compile", [](ebpf_vm &v) { return v.do_aot_compile(ebpf_aot_options{}).empty(); }},
    {"load_aot_object", [](ebpf_vm &v) { return v.load_aot_object({1, 2, 3}) == nullptr; }},
    {"do_get_ptx", [](ebpf_vm &v) { return not v.do_get_ptx().has_value(); }},
});

[[maybe_unused]] const int minimal_is_registered =
    register_vm_factory("minimal", [] { return std::make_unique<minimal_vm>(7); });

class defaults : public ::testing::TestWithParam<default_case> {};

TEST_P(defaults, are_errors_that_name_feature_and_backend) {
    ebpf_vm vm{"minimal"};
    EXPECT_TRUE(GetParam().fails(vm));
    EXPECT_EQ(vm.error_message(),
              std::string{GetParam().feature} + " is not supported by backend minimal");
    EXPECT_EQ(vm.error_message(), last_error());
}

INSTANTIATE_TEST_SUITE_P(compat, defaults, ::testing::ValuesIn(default_cases));

class minimal : public ::testing::Test {
protected:
    ~minimal() override { ebpf_destroy(vm_); }

    ebpf_vm *const vm_ = ebpf_create("minimal");
    const uint8_t code_[8] = {0x95};
};

TEST_F(minimal, backend_loads_and_runs) {
    ASSERT_EQ(ebpf_load(vm_, code_, sizeof code_, nullptr), 0);
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm_, nullptr, 0, &result), 0);
    EXPECT_EQ(result, 7);
    EXPECT_EQ(ebpf_exec_regions(vm_, nullptr, 0, nullptr, 0, &result), 0)
        << "no regions: the same as ebpf_exec()";
    EXPECT_STREQ(ebpf_get_vm_name(vm_), "minimal");
}

TEST_F(minimal, backend_has_no_helpers_in_c_either) {
    EXPECT_EQ(ebpf_register(vm_, 1, "f", helper), EBPF_ERROR_UNSUPPORTED);
    EXPECT_STREQ(ebpf_last_error(),
                 "register_external_function is not supported by backend minimal");
    EXPECT_EQ(ebpf_register_ctx(vm_, 1, "f", helper_with_context, nullptr), EBPF_ERROR_UNSUPPORTED);
    EXPECT_EQ(ebpf_register(vm_, 1, "f", static_cast<external_function_t>(nullptr)),
              EBPF_ERROR_INVALID_ARGUMENT)
        << "arguments are checked before the backend is asked";
}

TEST_F(minimal, backend_gets_checked_arguments_only) {
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm_, nullptr, 1, &result), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_load(vm_, nullptr, 8, nullptr), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_set_stack_size(vm_, 17), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_register_region(vm_, nullptr, 8, EBPF_PERM_READ), EBPF_ERROR_INVALID_ARGUMENT);
}

TEST_F(minimal, backend_accepts_options_that_change_no_result) {
    ebpf_optimize_options options = EBPF_OPTIMIZE_DEFAULTS;
    options.cpu = "of another world";
    EXPECT_EQ(ebpf_optimize(vm_, &options), 0);
    EXPECT_EQ(ebpf_optimize(vm_, nullptr), 0);
    options.level = 4;
    EXPECT_EQ(ebpf_optimize(vm_, &options), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_compile_stats(vm_, nullptr, 0), 0) << "it counts nothing";
}

TEST_F(minimal, backend_compiles_nothing_in_c_either) {
    char *errmsg = nullptr;
    EXPECT_EQ(ebpf_compile(vm_, &errmsg), nullptr);
    EXPECT_STREQ(errmsg, "compile is not supported by backend minimal");
    ebpf_free(errmsg);
    uint8_t *image = nullptr;
    size_t size = 0;
    EXPECT_EQ(ebpf_aot_compile(vm_, nullptr, &image, &size), EBPF_ERROR_UNSUPPORTED);
}

TEST_F(minimal, backend_can_accept_helpers) {
    class accepting : public minimal_vm {
    public:
        void register_external_function(size_t index, const std::string &name,
                                        external_function_t fn) override {
            EXPECT_EQ(index, 1U);
            EXPECT_EQ(name, "f");
            EXPECT_EQ(fn, helper);
        }
    };
    ebpf_vm vm{std::make_unique<accepting>()};
    EXPECT_EQ(vm.register_external_function(1, "f", helper), 0);
    EXPECT_EQ(ebpf_register(vm_, 1, "f", helper), EBPF_ERROR_UNSUPPORTED);
    EXPECT_EQ(vm.register_external_function(1, "f", helper), 0)
        << "one backend's refusal is not another's";
    EXPECT_EQ(vm.register_helper(declared(nullptr, helper_with_context)), EBPF_ERROR_UNSUPPORTED);
}

TEST_F(minimal, backend_leaves_no_fault_of_another_run) {
    ebpf_vm *const faulting = ebpf_create("ubpf");
    const uint8_t reads_null[16] = {0x71, 0, 0, 0, 0, 0, 0, 0, 0x95};
    ASSERT_EQ(ebpf_load(faulting, reads_null, sizeof reads_null, nullptr), 0);
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(faulting, nullptr, 0, &result), EBPF_ERROR_FAULT);
    ASSERT_EQ(ebpf_last_fault(nullptr), 1);
    EXPECT_EQ(ebpf_exec(vm_, nullptr, 0, &result), 0);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0);
    ebpf_destroy(faulting);
}

TEST(backend_without_registration, has_no_name) {
    ebpf_vm vm{std::make_unique<minimal_vm>()};
    EXPECT_EQ(vm.name(), "unnamed");
    EXPECT_EQ(vm.interrupt(), EBPF_ERROR_UNSUPPORTED);
    EXPECT_EQ(vm.error_message(), "interrupt is not supported by backend unnamed");
}

TEST(backend_that_is_null, makes_no_vm) {
    EXPECT_THROW(ebpf_vm{std::unique_ptr<bpftime_vm_impl>{}}, std::runtime_error);
}

// --- backends that behave badly

class throwing_vm : public bpftime_vm_impl {
public:
    int load_code(const void *, size_t) override {
        throw std::runtime_error("load_code has thrown");
    }
    int64_t exec(void *, size_t, int64_t &) override { throw 1; }
    precompiled_ebpf_function compile() override { throw std::bad_alloc(); }
    void unload_code() override { throw std::runtime_error("unload_code has thrown"); }
    bool toggle_bounds_check(bool) override {
        throw std::runtime_error("toggle_bounds_check has thrown");
    }
};

TEST(throwing_backend, is_an_error_in_c) {
    register_vm_factory("throwing", [] { return std::make_unique<throwing_vm>(); });
    ebpf_vm *const vm = ebpf_create("throwing");
    ASSERT_NE(vm, nullptr);
    const uint8_t code[8] = {0x95};
    char *errmsg = nullptr;
    EXPECT_EQ(ebpf_load(vm, code, sizeof code, &errmsg), EBPF_ERROR_INTERNAL);
    EXPECT_STREQ(errmsg, "load_code has thrown");
    ebpf_free(errmsg);
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm, nullptr, 0, &result), EBPF_ERROR_INTERNAL);
    EXPECT_STREQ(ebpf_last_error(), "an exception that is no std::exception reached the C API");
    EXPECT_EQ(ebpf_compile(vm, &errmsg), nullptr);
    EXPECT_STREQ(errmsg, "out of memory");
    ebpf_free(errmsg);
    ebpf_unload_code(vm);
    EXPECT_STREQ(ebpf_last_error(), "unload_code has thrown");
    EXPECT_FALSE(ebpf_toggle_bounds_check(vm, true));
    EXPECT_STREQ(ebpf_last_error(), "toggle_bounds_check has thrown");
    ebpf_destroy(vm);
}

TEST(throwing_backend, throws_in_cpp) {
    ebpf_vm vm{std::make_unique<throwing_vm>()};
    EXPECT_THROW(vm.load_code("", 0), std::runtime_error);
    EXPECT_THROW(vm.compile(), std::bad_alloc);
}

class silent_vm : public minimal_vm {
public:
    int load_code(const void *, size_t) override { return -99; }
};

TEST(silent_backend, has_its_code_returned_and_some_message) {
    register_vm_factory("silent", [] { return std::make_unique<silent_vm>(); });
    ebpf_vm *const vm = ebpf_create("silent");
    const uint8_t code[8] = {0x95};
    char *errmsg = nullptr;
    EXPECT_EQ(ebpf_load(vm, code, sizeof code, &errmsg), -99);
    EXPECT_NE(errmsg, nullptr);
    ebpf_free(errmsg);
    ebpf_destroy(vm);
}

}  // namespace
