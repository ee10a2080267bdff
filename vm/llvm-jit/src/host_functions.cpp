// bpftime-vm: declarations of the host's functions in a module
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "host_functions.hpp"

#include <llvm/IR/Function.h>
#include <llvm/Support/ModRef.h>

namespace bpftime::vm::llvm_jit {

namespace {

llvm::FunctionCallee declare(llvm::Module &module, llvm::StringRef name, llvm::Type *result,
                             llvm::ArrayRef<llvm::Type *> parameters, llvm::MemoryEffects effects) {
    llvm::FunctionCallee callee = declare_host_function(module, name, result, parameters);
    auto *const fn = llvm::cast<llvm::Function>(callee.getCallee());
    fn->setMemoryEffects(effects);
    fn->setDoesNotThrow();
    fn->setWillReturn();
    fn->addFnAttr(llvm::Attribute::Cold);
    fn->addFnAttr(llvm::Attribute::NoCallback);
    return callee;
}

}  // namespace

llvm::FunctionCallee declare_host_function(llvm::Module &module, llvm::StringRef name,
                                           llvm::Type *result,
                                           llvm::ArrayRef<llvm::Type *> parameters) {
    llvm::FunctionCallee callee =
        module.getOrInsertFunction(name, llvm::FunctionType::get(result, parameters, false));
    llvm::cast<llvm::Function>(callee.getCallee())->addFnAttr(llvm::Attribute::NonLazyBind);
    return callee;
}

llvm::FunctionCallee declare_bookkeeping(llvm::Module &module, llvm::StringRef name,
                                         llvm::Type *result,
                                         llvm::ArrayRef<llvm::Type *> parameters) {
    return declare(module, name, result, parameters, llvm::MemoryEffects::inaccessibleMemOnly());
}

llvm::FunctionCallee declare_memory_query(llvm::Module &module, llvm::StringRef name,
                                          llvm::Type *result,
                                          llvm::ArrayRef<llvm::Type *> parameters) {
    return declare(module, name, result, parameters,
                   llvm::MemoryEffects::inaccessibleMemOnly() | llvm::MemoryEffects::readOnly());
}

}  // namespace bpftime::vm::llvm_jit
