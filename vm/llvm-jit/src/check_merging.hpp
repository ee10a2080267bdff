// bpftime-vm: memory checks that are made together
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <llvm/IR/PassManager.h>

namespace bpftime::vm::llvm_jit {

/// Where accesses at known distances from each other follow without anything between that can be
/// seen from outside, one comparison tells whether all of them are in the input memory. If not, the
/// memory map is asked about one after the other, in their order, so that the first that may not be
/// is the fault.
class check_merging_pass : public llvm::PassInfoMixin<check_merging_pass> {
public:
    static llvm::PreservedAnalyses run(llvm::Function &fn, llvm::FunctionAnalysisManager &analyses);
};

}  // namespace bpftime::vm::llvm_jit
