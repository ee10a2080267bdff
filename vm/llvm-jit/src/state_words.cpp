// bpftime-vm: what compiled code reads of its run_state
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "state_words.hpp"

#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

namespace bpftime::vm::llvm_jit {

llvm::Value *load_state_word(llvm::IRBuilderBase &b, llvm::Value *state, state_word which) {
    llvm::Value *const at =
        b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), state, static_cast<unsigned>(which));
    llvm::LoadInst *const load = b.CreateAlignedLoad(b.getInt64Ty(), at, llvm::Align{8});
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(b.getContext(), {}));
    return load;
}

std::optional<state_word> loaded_state_word(const llvm::Instruction &i, const llvm::Value *state) {
    const auto *const load = llvm::dyn_cast<llvm::LoadInst>(&i);
    if (load == nullptr or not load->getType()->isIntegerTy(64)) return std::nullopt;
    const llvm::DataLayout &layout = i.getModule()->getDataLayout();
    llvm::APInt offset{64, 0};
    const llvm::Value *const base =
        load->getPointerOperand()->stripAndAccumulateConstantOffsets(layout, offset, false);
    if (base != state or offset.urem(sizeof(uint64_t)) != 0) return std::nullopt;
    return static_cast<state_word>(offset.getZExtValue() / sizeof(uint64_t));
}

}  // namespace bpftime::vm::llvm_jit
