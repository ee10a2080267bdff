// bpftime-vm: loops that pay for all their rounds before the first
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "counters.hpp"

#include <llvm/IR/PassManager.h>

namespace bpftime::vm::llvm_jit {

/// Gives an innermost loop whose number of rounds is known when it begins a second version, for
/// when the budget's slice is enough for all of them: in it no round can fail to pay, and the loop
/// has no exits but the program's own, so that it is optimised as native loops are. The other
/// version pays round by round, as before. Budget and faults are the same in both.
class loop_budget_pass : public llvm::PassInfoMixin<loop_budget_pass> {
public:
    explicit loop_budget_pass(counters &counted) : counted_{&counted} {}
    llvm::PreservedAnalyses run(llvm::Function &fn, llvm::FunctionAnalysisManager &analyses);

private:
    counters *counted_;
};

/// The last pass: what is left of a slice is compared by its sign again where other passes found
/// that what was there before can be compared, which is never negative. Subtracting has told the
/// sign; comparing is an instruction more, and what was there before has to be kept for it.
struct slice_sign_pass : llvm::PassInfoMixin<slice_sign_pass> {
    static llvm::PreservedAnalyses run(llvm::Function &fn, llvm::FunctionAnalysisManager &analyses);
};

}  // namespace bpftime::vm::llvm_jit
