// bpftime-vm: declarations of the host's functions in a module
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <llvm/IR/Module.h>

namespace bpftime::vm::llvm_jit {

/// A function of the host of which nothing is known.
[[nodiscard]] llvm::FunctionCallee declare_host_function(llvm::Module &module, llvm::StringRef name,
                                                         llvm::Type *result,
                                                         llvm::ArrayRef<llvm::Type *> parameters);

/// One that touches nothing that the program can see, and is called rarely.
[[nodiscard]] llvm::FunctionCallee declare_bookkeeping(llvm::Module &module, llvm::StringRef name,
                                                       llvm::Type *result,
                                                       llvm::ArrayRef<llvm::Type *> parameters);

/// The same, but it reads which frames are in memory.
[[nodiscard]] llvm::FunctionCallee declare_memory_query(llvm::Module &module, llvm::StringRef name,
                                                        llvm::Type *result,
                                                        llvm::ArrayRef<llvm::Type *> parameters);

}  // namespace bpftime::vm::llvm_jit
