// bpftime-vm: frozen maps become constants of the programs that read them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "constant_maps.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

#include <array>

namespace bpftime::vm::llvm_jit::test {

namespace {

constexpr std::array<uint64_t, 2> settings{0x0807060504030201, 7};

/// Map 5 holds the settings.
compat::vm_config config_with(bool is_constant) {
    compat::vm_config config = test_config();
    config.lddw.map_val = [](uint64_t) { return reinterpret_cast<uintptr_t>(settings.data()); };
    config.lddw.map_val_size = [](uint64_t) { return sizeof settings; };
    config.lddw.map_shape = [is_constant](uint64_t) {
        static ebpf_map_shape shape{};
        shape.key_size = 4;
        shape.value_size = shape.result_size = sizeof settings;
        shape.permission = EBPF_PERM_READ;
        shape.is_constant = is_constant ? 1 : 0;
        return &shape;
    };
    return config;
}

/// Calls helper 1 if a setting says so.
constexpr std::string_view asks_setting =
    "lddw %r1, map_val(map_by_fd(5))+8\nldxw %r2, [%r1]\njeq %r2, 7, +1\ncall 1\n"
    "lddw %r1, map_val(map_by_fd(5))\nldxh %r0, [%r1+1]\nexit";

/// Loads and calls of helpers in the optimised program.
unsigned what_is_left(bool is_constant) {
    const linked_program p{asks_setting, config_with(is_constant)};
    llvm::LLVMContext context;
    const auto machine = make_machine();
    const auto module = p.optimize(context, *machine);
    EXPECT_TRUE(is_valid(*module));
    unsigned left = 0;
    for (const llvm::Instruction &i : llvm::instructions(*module->getFunction("bpf_main"))) {
        const auto *const call = llvm::dyn_cast<llvm::CallInst>(&i);
        const bool is_helper = call != nullptr and call->getCalledFunction() != nullptr and
                               call->getCalledFunction()->getName().starts_with("bpf_helper_");
        left += llvm::isa<llvm::LoadInst>(i) or is_helper ? 1U : 0U;
    }
    return left;
}

TEST(constant_maps, leave_no_load_and_no_code_that_depends_on_them) {
    if (make_machine() == nullptr) GTEST_SKIP() << "this LLVM has no x86 target";
    EXPECT_EQ(what_is_left(true), 0U);
    EXPECT_GE(what_is_left(false), 2U);
}

TEST(constant_maps, are_counted) {
    for (const bool is_constant : {false, true}) {
        const linked_program p{asks_setting, config_with(is_constant)};
        llvm::LLVMContext context;
        const auto module = p.compile(context);
        EXPECT_EQ(fold_constant_maps(p.linked(), *module), is_constant ? 2U : 0U);
    }
}

TEST(constant_maps, end_where_they_end) {
    for (const int offset : {-1, 9, 16, 1 << 14}) {
        const linked_program p{"lddw %r1, map_val(map_by_fd(5))\nldxdw %r0, [%r1" +
                                   std::string{offset < 0 ? "" : "+"} + std::to_string(offset) +
                                   "]\nexit",
                               config_with(true)};
        llvm::LLVMContext context;
        const auto module = p.compile(context);
        EXPECT_EQ(fold_constant_maps(p.linked(), *module), 0U) << offset;
    }
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
