// bpftime-vm: the host's functions in a module
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bpftime::vm::llvm_jit {

/// A function of the host of which nothing is known.
[[nodiscard]] llvm::FunctionCallee declare_host_function(llvm::Module &module, llvm::StringRef name,
                                                         llvm::Type *result,
                                                         llvm::ArrayRef<llvm::Type *> parameters);

/// What compiled code asks the host rarely; abi.hpp says what each does. So that code does not pay
/// for what it does not do, they keep all registers for general use: it calls wrappers, made once
/// per process, of the functions in C.
enum class rare_function : uint8_t { check, misaligned, fault, refill, top_up };

/// Calls the wrapper.
llvm::CallInst *call_rarely(llvm::IRBuilderBase &builder, rare_function which,
                            llvm::ArrayRef<llvm::Value *> arguments);
/// Whether `call` is one of that function.
[[nodiscard]] bool is_call_of(const llvm::CallInst &call, rare_function which);

/// The module of all wrappers; where their functions are is in rare_function_addresses().
[[nodiscard]] std::unique_ptr<llvm::Module> make_wrappers(llvm::LLVMContext &context);

struct host_address {
    std::string symbol;
    void *address;
};
[[nodiscard]] std::vector<host_address> rare_function_addresses();

}  // namespace bpftime::vm::llvm_jit
