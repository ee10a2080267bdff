// bpftime-vm: the specification's C++ declarations beside ours
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bpftime_vm_compat.hpp"
#include "ebpf-vm.h"
#include "spec.hpp"

#include <gtest/gtest.h>

#include <type_traits>

extern "C" void select_backends(struct ebpf_vm **llvm, struct ebpf_vm **ubpf);

namespace {

namespace specified {
using bpftime::vm::compat::external_function_t;
using bpftime::vm::compat::precompiled_ebpf_function;
#include "snippets/abstract_vm_interface.cpp"
#include "snippets/lddw_helpers.cpp"
}  // namespace specified

namespace ours = bpftime::vm::compat;

// --- Abstract VM Interface

/// A member function's type without its class.
template <typename Member>
struct signature;
template <typename Result, typename Class, typename... Args>
struct signature<Result (Class::*)(Args...)> {
    using type = Result(Args...);
};

#define SAME_SIGNATURE(function)                                                                   \
    static_assert(std::is_same_v<signature<decltype(&specified::bpftime_vm_impl::function)>::type, \
                                 signature<decltype(&ours::bpftime_vm_impl::function)>::type>)
SAME_SIGNATURE(load_code);
SAME_SIGNATURE(exec);
SAME_SIGNATURE(compile);
SAME_SIGNATURE(register_external_function);
SAME_SIGNATURE(do_aot_compile);
SAME_SIGNATURE(do_get_ptx);

/// Overrides all that the specification shows, as a backend written by it does.
class by_specification : public ours::bpftime_vm_impl {
public:
    int load_code(const void *, size_t code_len) override { return static_cast<int>(code_len % 8); }
    int64_t exec(void *, size_t mem_len, int64_t &result) override {
        result = static_cast<int64_t>(mem_len);
        return 0;
    }
    ours::precompiled_ebpf_function compile() override {
        return [](void *, size_t mem_len) -> uint64_t { return mem_len; };
    }
    void register_external_function(size_t index, const std::string &name,
                                    ours::external_function_t) override {
        registered_ = name + std::to_string(index);
    }
    std::vector<uint8_t> do_aot_compile() override { return {1, 2, 3}; }
    std::optional<std::vector<std::string>> do_get_ptx() override { return {{"ptx"}}; }

    std::string registered_;
};

TEST(abstract_vm_interface, is_all_that_a_backend_needs) {
    ours::register_vm_factory("by-specification",
                              [] { return std::make_unique<by_specification>(); });
    ebpf_vm *const vm = ebpf_create("by-specification");
    ASSERT_NE(vm, nullptr) << ebpf_last_error();
    const uint8_t code[8] = {0x95};
    uint8_t memory[3] = {};
    int64_t result = 0;
    EXPECT_EQ(ebpf_load(vm, code, sizeof code, nullptr), 0);
    EXPECT_EQ(ebpf_exec(vm, memory, sizeof memory, &result), 0);
    EXPECT_EQ(result, 3);
    const ebpf_jit_fn fn = ebpf_compile(vm, nullptr);
    ASSERT_NE(fn, nullptr);
    EXPECT_EQ(fn(memory, 2), 2U);
    EXPECT_EQ(
        ebpf_register(vm, 7, "helper",
                      [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{0}; }),
        0);
    EXPECT_EQ(static_cast<by_specification &>(vm->impl()).registered_, "helper7");
    uint8_t *image = nullptr;
    size_t size = 0;
    EXPECT_EQ(ebpf_aot_compile(vm, nullptr, &image, &size), 0);
    EXPECT_EQ(size, 3U);
    ebpf_free(image);
    EXPECT_EQ(vm->do_get_ptx().value(), std::vector<std::string>{"ptx"});
    ebpf_destroy(vm);
}

// --- LDDW Helper System

TEST(lddw_helper_system, takes_the_functions_of_the_specified_struct) {
    const specified::lddw_helpers from = {[](uint32_t fd) { return static_cast<int>(fd) + 1; },
                                          [](uint32_t idx) { return static_cast<int>(idx) + 2; },
                                          [](uint64_t map) { return static_cast<int>(map) + 3; },
                                          [](uint32_t idx) { return static_cast<int>(idx) + 4; },
                                          [](uint32_t idx) { return static_cast<int>(idx) + 5; }};
    ours::lddw_helpers to;
    to.map_by_fd = from.map_by_fd;
    to.map_by_idx = from.map_by_idx;
    to.map_val = from.map_val;
    to.var_addr = from.var_addr;
    to.code_addr = from.code_addr;
    EXPECT_EQ(to.map_by_fd(10), 11U);
    EXPECT_EQ(to.map_by_idx(10), 12U);
    EXPECT_EQ(to.map_val(10), 13U);
    EXPECT_EQ(to.var_addr(10), 14U);
    EXPECT_EQ(to.code_addr(10), 15U);

    // All five at once, too.
    ebpf_vm vm{"ubpf"};
    EXPECT_EQ(vm.set_lddw_helpers(from.map_by_fd, from.map_by_idx, from.map_val, from.var_addr,
                                  from.code_addr),
              0);
}

// --- Selecting a Backend

TEST(selecting_a_backend, gives_the_backend_of_that_name) {
    ebpf_vm *llvm = nullptr;
    ebpf_vm *ubpf = nullptr;
    select_backends(&llvm, &ubpf);
    ASSERT_NE(ubpf, nullptr);
    EXPECT_STREQ(ebpf_get_vm_name(ubpf), "ubpf");
    ebpf_destroy(ubpf);
    if (llvm != nullptr) {
        EXPECT_STREQ(ebpf_get_vm_name(llvm), "llvm");
        ebpf_destroy(llvm);
        return;
    }
    NEEDS_LLVM();
    FAIL() << "the LLVM backend is there and does not start";
}

}  // namespace
