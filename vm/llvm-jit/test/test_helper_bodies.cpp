// bpftime-vm: helpers that come as bitcode: what is left of calls, and what is no body
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_bodies.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>

namespace bpftime::vm::llvm_jit::test {

namespace {

using testing::HasSubstr;

constexpr std::string_view twice = "define i64 @twice(i64 %a) { %r = shl i64 %a, 1 ret i64 %r }";

compat::helper_bitcode body_of(uint32_t id, const char *function, std::string_view ir) {
    return {id, function, {ir.begin(), ir.end()}};
}

/// The same as bitcode.
std::vector<uint8_t> to_bitcode(std::string_view ir) {
    llvm::LLVMContext context;
    llvm::SMDiagnostic why;
    const auto module = llvm::parseAssemblyString({ir.data(), ir.size()}, why, context);
    EXPECT_NE(module, nullptr) << why.getMessage().str();
    std::string bytes;
    llvm::raw_string_ostream out{bytes};
    llvm::WriteBitcodeToFile(*module, out);
    out.flush();
    return {bytes.begin(), bytes.end()};
}

std::string refusal(std::string_view ir, const char *function = "f") {
    const auto checked = check_helper_body(body_of(1, function, ir));
    return checked ? "accepted" : checked.error().message;
}

unsigned calls_in(const llvm::Module &module) {
    unsigned calls = 0;
    for (const llvm::Function &fn : module) {
        for (const llvm::Instruction &i : llvm::instructions(fn)) {
            const auto *const call = llvm::dyn_cast<llvm::CallInst>(&i);
            const bool is_intrinsic = call != nullptr and call->getCalledFunction() != nullptr and
                                      call->getCalledFunction()->isIntrinsic();
            calls += call != nullptr and not is_intrinsic and fn.getName() == "bpf_main" ? 1U : 0U;
        }
    }
    return calls;
}

TEST(helper_bodies, leave_no_call) {
    const auto machine = make_machine();
    if (machine == nullptr) GTEST_SKIP() << "this LLVM has no x86 target";
    for (const bool as_bitcode : {false, true}) {
        compat::vm_config config = test_config();
        auto body = body_of(1, "twice", twice);
        if (as_bitcode) body.code = to_bitcode(twice);
        config.bitcode.insert_or_assign(1, body);
        const linked_program p{"mov %r1, %r2\ncall 1\nmov %r1, %r0\ncall 1\nexit",
                               std::move(config)};
        llvm::LLVMContext context;
        const auto module = p.optimize(context, *machine);
        ASSERT_TRUE(is_valid(*module));
        EXPECT_EQ(calls_in(*module), 0U) << to_text(*module);
    }
}

TEST(helper_bodies, leave_no_call_in_machine_code_of_any_level) {
    for (const uint32_t level : {0U, 1U, 2U, 3U}) {
        const vm_ptr vm = load("mov %r1, %r2\ncall 7\nmov %r1, %r0\ncall 7\nexit");
        ASSERT_EQ(ebpf_set_optimization_level(vm.get(), level), EBPF_OK);
        // Not a function that could be called.
        ASSERT_EQ(ebpf_register_helper_bitcode(vm.get(), 7, "twice", twice.data(), twice.size()),
                  EBPF_OK)
            << ebpf_last_error();
        std::array<uint8_t, 5> memory{};
        EXPECT_EQ(run(vm.get(), memory.data(), memory.size()), 20U) << level;
    }
}

TEST(helper_bodies, reach_functions_of_the_process) {
    constexpr std::string_view ir =
        "declare i64 @strlen(ptr)\n"
        "@text = private constant [6 x i8] c\"hello\\00\"\n"
        "define i64 @length(i64 %a) { %n = call i64 @strlen(ptr @text) "
        "%r = add i64 %n, %a ret i64 %r }";
    const vm_ptr vm = load("mov %r1, 100\ncall 7\nexit");
    ASSERT_EQ(ebpf_register_helper_bitcode(vm.get(), 7, "length", ir.data(), ir.size()), EBPF_OK);
    EXPECT_EQ(run(vm.get()), 105U);
}

TEST(helper_bodies, that_need_what_is_not_there_are_an_error_of_the_program) {
    constexpr std::string_view ir =
        "declare i64 @no_such_function_anywhere()\n"
        "define i64 @f() { %r = call i64 @no_such_function_anywhere() ret i64 %r }";
    const vm_ptr vm = load("call 7\nexit");
    ASSERT_EQ(ebpf_register_helper_bitcode(vm.get(), 7, "f", ir.data(), ir.size()), EBPF_OK);
    int64_t r0 = 0;
    EXPECT_EQ(ebpf_exec(vm.get(), nullptr, 0, &r0), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("needs 'no_such_function_anywhere'"));
}

TEST(helper_bodies, with_a_context_are_told_from_those_without) {
    const vm_ptr vm = load("call 7\nexit");
    constexpr std::string_view six =
        "define i64 @f(ptr %c, i64 %a, i64 %b, i64 %d, i64 %e, i64 %g) { ret i64 %g }";
    ASSERT_EQ(ebpf_register_helper_bitcode(vm.get(), 7, "f", six.data(), six.size()), EBPF_OK);
    int64_t r0 = 0;
    EXPECT_EQ(ebpf_exec(vm.get(), nullptr, 0, &r0), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("the helper has no context"));
}

TEST(helper_bodies, are_refused_where_they_are_none) {
    EXPECT_EQ(refusal("define i64 @f() { ret i64 1 }"), "accepted");
    EXPECT_THAT(refusal("no IR"), HasSubstr("is neither LLVM bitcode nor IR"));
    EXPECT_THAT(refusal("BC\xc0\xde and no more"), HasSubstr("is neither LLVM bitcode nor IR"));
    EXPECT_THAT(refusal("define i64 @g() { ret i64 1 }"),
                HasSubstr("defines no function 'f'; it defines 'g'"));
    EXPECT_THAT(refusal("declare i64 @f()"), HasSubstr("defines no function 'f'; it defines none"));
    EXPECT_THAT(refusal("define i32 @f() { ret i32 1 }"), HasSubstr("has 'f' as i32 ()"));
    EXPECT_THAT(refusal("define i64 @f(i32 %a) { ret i64 1 }"), HasSubstr("has 'f' as i64 (i32)"));
    EXPECT_THAT(refusal("define i64 @f(i64, ...) { ret i64 1 }"), HasSubstr("has 'f' as"));
    EXPECT_THAT(refusal("define void @f() { ret void }"), HasSubstr("has 'f' as void ()"));
    EXPECT_THAT(refusal("@n = global i64 0\ndefine i64 @f() { ret i64 1 }"),
                HasSubstr("defines the variable 'n'"));
    EXPECT_THAT(refusal("@n = internal global i64 0\ndefine i64 @f() { %r = load i64, ptr @n "
                        "ret i64 %r }"),
                HasSubstr("defines the variable 'n'"));
    EXPECT_THAT(refusal("@n = external thread_local global i64\ndefine i64 @f() { ret i64 1 }"),
                HasSubstr("variable 'n' of each thread"));
    EXPECT_THAT(refusal("target triple = \"bpf\"\ndefine i64 @f() { ret i64 1 }"),
                HasSubstr("is for bpf"));
    EXPECT_THAT(refusal("module asm \"nop\"\ndefine i64 @f() { ret i64 1 }"),
                HasSubstr("assembly outside of functions"));
    EXPECT_THAT(refusal("@g = alias i64 (), ptr @f\ndefine i64 @f() { ret i64 1 }"),
                HasSubstr("has aliases"));
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
