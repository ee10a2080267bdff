// bpftime-vm: fields of the context that a program reads and does not use
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "counters.hpp"

#include <llvm/IR/PassManager.h>

namespace bpftime::vm::llvm_jit {

/// Takes out what computes nothing that anybody uses, also where it goes around in a loop, and
/// counts the loads from r1 on among it. Checks stay: whether a program faults does not change. To
/// come when spilled registers are no memory any more, and before others take out the same.
class dead_fields_pass : public llvm::PassInfoMixin<dead_fields_pass> {
public:
    explicit dead_fields_pass(counters &counted) : counted_{&counted} {}
    llvm::PreservedAnalyses run(llvm::Function &fn, llvm::FunctionAnalysisManager &analyses);

private:
    counters *counted_;
};

}  // namespace bpftime::vm::llvm_jit
