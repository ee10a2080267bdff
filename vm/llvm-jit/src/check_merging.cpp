// bpftime-vm: memory checks that are made together
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "check_merging.hpp"

#include "check_runs.hpp"
#include "check_versions.hpp"
#include "host_functions.hpp"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include <algorithm>

namespace bpftime::vm::llvm_jit {

namespace {

/// Blocks that ask about each access. Those that are inside the input memory need not be asked
/// about, where others are elsewhere.
llvm::BasicBlock *ask_one_by_one(const run_of_checks &run, bool compares, llvm::BasicBlock *fine) {
    llvm::Function &fn = *fine->getParent();
    llvm::LLVMContext &context = fn.getContext();
    llvm::MDNode *const likely = llvm::MDBuilder{context}.createLikelyBranchWeights();
    const auto new_block = [&] { return llvm::BasicBlock::Create(context, "one_by_one", &fn); };
    llvm::BasicBlock *const first = new_block();
    llvm::IRBuilder<> b{first};
    for (const placed_check &one : run) {
        const memory_check &check = one.check;
        llvm::Value *const address = address_of(b, one);
        llvm::BasicBlock *const next = &one == &run.back() ? fine : new_block();
        if (compares) {
            llvm::BasicBlock *const asks = new_block();
            b.CreateCondBr(is_in_input(b, address, 0, b.getInt64(check.size())), next, asks);
            b.SetInsertPoint(asks);
        }
        llvm::CallInst *const call =
            call_rarely(b, rare_function::check,
                        {check.call->getArgOperand(0), address, check.call->getArgOperand(2),
                         check.call->getArgOperand(3)});
        llvm::BasicBlock *const fails = failing_successor(check);
        for (llvm::PHINode &phi : fails->phis())
            phi.addIncoming(phi.getIncomingValueForBlock(check.ask()), b.GetInsertBlock());
        b.CreateCondBr(b.CreateICmpNE(call, b.getInt64(0)), next, fails, likely);
        b.SetInsertPoint(next);
    }
    return first;
}

/// Whether some of the places may be outside and others not: those are compared again then.
bool compares_twice(const run_of_checks &run, const spans &together) {
    return together.size() > 1 or not std::ranges::all_of(run, &place::is_exact, &placed_check::at);
}

void merge(const run_of_checks &run, const spans &together) {
    llvm::BranchInst *const at = run.front().check.branch;
    llvm::BasicBlock *const fine = run.front().check.fine();
    llvm::BasicBlock *const one_by_one = ask_one_by_one(run, compares_twice(run, together), fine);
    llvm::IRBuilder<> b{at};
    note_comparisons(*b.CreateCondBr(are_in_input(b, together), fine, one_by_one,
                                     llvm::MDBuilder{at->getContext()}.createLikelyBranchWeights()),
                     together.size());
    for (const placed_check &one : run) {
        const memory_check &check = one.check;
        check.ask()->removePredecessor(check.branch->getParent());
        if (check.branch != at) llvm::IRBuilder<>{check.branch}.CreateBr(check.fine());
        check.branch->eraseFromParent();
    }
}

/// Compares each address as others are compared.
void compare_anew(const run_of_checks &run) {
    for (const auto &[check, at] : run) {
        if (not at.is_exact()) continue;
        llvm::IRBuilder<> b{check.branch};
        const auto size = static_cast<int64_t>(check.size());
        check.set_condition(are_in_input(b, {{at.base, at.offset, at.offset + size}}));
    }
}

}  // namespace

llvm::PreservedAnalyses check_merging_pass::run(llvm::Function &fn,
                                                llvm::FunctionAnalysisManager &analyses) {
    auto &tree = analyses.getResult<llvm::DominatorTreeAnalysis>(fn);
    if (llvm::none_of(fn, [](llvm::BasicBlock &block) { return check_in(block).has_value(); }))
        return llvm::PreservedAnalyses::all();
    const bool is_small = fn.hasOptSize();
    const auto runs =
        is_small ? run_finder{fn, tree}.find()
                 : make_versions(fn, tree, analyses.getResult<llvm::LoopAnalysis>(fn), *counted_);
    for (const run_of_checks &run : runs) {
        spans together;
        add_spans(run, together);
        const bool pays = together.size() < run.size() and are_small(together) and
                          not(is_small and compares_twice(run, together));
        if (pays) {
            counted_->add(counter::check_merging, run.size());
            merge(run, together);
        } else {
            compare_anew(run);
        }
    }
    return llvm::PreservedAnalyses::none();
}

}  // namespace bpftime::vm::llvm_jit
