// bpftime-vm: fields of the context that a program reads and does not use
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "dead_fields.hpp"

#include "memory_checks.hpp"

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Operator.h>
#include <llvm/Transforms/Utils/Local.h>

namespace bpftime::vm::llvm_jit {

namespace {

/// Whether it loads from what the host gave the program as r1, whichever way r1 has come.
bool loads_field(const llvm::Instruction &i) {
    constexpr unsigned most_values = 32;
    const auto *const load = llvm::dyn_cast<llvm::LoadInst>(&i);
    if (load == nullptr) return false;
    llvm::SmallPtrSet<const llvm::Value *, most_values> seen;
    llvm::SmallVector<const llvm::Value *, 8> open{load->getPointerOperand()};
    while (not open.empty()) {
        const llvm::Value *const base = llvm::getUnderlyingObject(open.pop_back_val());
        if (not seen.insert(base).second) continue;
        if (const auto *const phi = llvm::dyn_cast<llvm::PHINode>(base)) {
            for (const llvm::Use &incoming : phi->incoming_values()) open.push_back(incoming.get());
        } else if (const unsigned cast = llvm::Operator::getOpcode(base);
                   cast == llvm::Instruction::IntToPtr or cast == llvm::Instruction::PtrToInt) {
            // The address became a number in r1, and a pointer again where it is used as one.
            open.push_back(llvm::cast<llvm::Operator>(base)->getOperand(0));
        } else if (not is_input_argument(*base)) {
            return false;
        }
        if (seen.size() > most_values) return false;
    }
    return true;
}

}  // namespace

llvm::PreservedAnalyses dead_fields_pass::run(llvm::Function &fn, llvm::FunctionAnalysisManager &) {
    llvm::SmallPtrSet<const llvm::Instruction *, 32> used;
    llvm::SmallVector<llvm::Instruction *, 64> open;
    const auto use = [&](llvm::Instruction &i) {
        if (used.insert(&i).second) open.push_back(&i);
    };
    for (llvm::Instruction &i : llvm::instructions(fn)) {
        if (i.isTerminator() or i.isEHPad() or not llvm::wouldInstructionBeTriviallyDead(&i))
            use(i);
    }
    while (not open.empty()) {
        for (const llvm::Use &operand : open.pop_back_val()->operands()) {
            if (auto *const i = llvm::dyn_cast<llvm::Instruction>(operand.get())) use(*i);
        }
    }
    llvm::SmallVector<llvm::Instruction *, 16> dead;
    for (llvm::Instruction &i : llvm::instructions(fn)) {
        if (not used.contains(&i)) dead.push_back(&i);
    }
    if (dead.empty()) return llvm::PreservedAnalyses::all();
    for (llvm::Instruction *const i : dead) {
        counted_->add(counter::dead_context_fields, loads_field(*i) ? 1 : 0);
        // Only what is dead itself uses it.
        if (not i->use_empty()) i->replaceAllUsesWith(llvm::PoisonValue::get(i->getType()));
    }
    for (llvm::Instruction *const i : dead) i->eraseFromParent();
    llvm::PreservedAnalyses kept;
    kept.preserveSet<llvm::CFGAnalyses>();
    return kept;
}

}  // namespace bpftime::vm::llvm_jit
