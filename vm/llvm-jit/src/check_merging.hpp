// bpftime-vm: memory checks that are made together
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "counters.hpp"

#include <llvm/IR/PassManager.h>

namespace bpftime::vm::llvm_jit {

/// Where accesses at known distances from each other follow without anything between that can be
/// seen from outside, one comparison tells whether all of them are in the input memory. If not, the
/// memory map is asked about one after the other, in their order, so that the first that may not be
/// is the fault. In functions that are to be small, nothing is there twice for it.
class check_merging_pass : public llvm::PassInfoMixin<check_merging_pass> {
public:
    explicit check_merging_pass(counters &counted) : counted_{&counted} {}
    llvm::PreservedAnalyses run(llvm::Function &fn, llvm::FunctionAnalysisManager &analyses);

private:
    counters *counted_;
};

}  // namespace bpftime::vm::llvm_jit
