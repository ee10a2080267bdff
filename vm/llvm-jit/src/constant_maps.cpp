// bpftime-vm: what maps hold that nobody changes any more, as constants of the programs that load
// it Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#include "constant_maps.hpp"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Operator.h>

#include <algorithm>
#include <optional>
#include <span>

namespace bpftime::vm::llvm_jit {

namespace {

/// The address that a pointer is, if it is a constant.
std::optional<uint64_t> address_of(const llvm::Value &pointer, const llvm::DataLayout &layout) {
    llvm::APInt offset{64, 0};
    const llvm::Value *const base = pointer.stripAndAccumulateConstantOffsets(layout, offset, true);
    if (llvm::Operator::getOpcode(base) != llvm::Instruction::IntToPtr) return std::nullopt;
    const auto *const number =
        llvm::dyn_cast<llvm::ConstantInt>(llvm::cast<llvm::Operator>(base)->getOperand(0));
    if (number == nullptr) return std::nullopt;
    return number->getZExtValue() + offset.getZExtValue();
}

/// What such a load gives; null: that is not known.
llvm::Constant *value_of(const llvm::LoadInst &load,
                         std::span<const compat::memory_span> constants) {
    auto *const type = llvm::dyn_cast<llvm::IntegerType>(load.getType());
    if (type == nullptr or not load.isSimple() or type->getBitWidth() % 8 != 0 or
        type->getBitWidth() > 64)
        return nullptr;
    const auto address = address_of(*load.getPointerOperand(), load.getModule()->getDataLayout());
    const std::size_t bytes = type->getBitWidth() / 8;
    const bool is_constant =
        address and std::ranges::any_of(constants, [&](const compat::memory_span &span) {
            return span.holds(*address, bytes);
        });
    if (not is_constant) return nullptr;
    // The code is for this machine, so that words are as they are in memory.
    uint64_t word = 0;
    const auto *const from = reinterpret_cast<const uint8_t *>(*address);
    for (std::size_t i = 0; i < bytes; ++i) {
        const std::size_t at =
            load.getModule()->getDataLayout().isLittleEndian() ? i : bytes - 1 - i;
        word |= uint64_t{from[i]} << (8 * at);
    }
    return llvm::ConstantInt::get(type, word);
}

}  // namespace

unsigned fold_constant_maps(const compat::linkage &linked, llvm::Module &module) {
    unsigned folded = 0;
    if (linked.constants().empty()) return folded;
    for (llvm::Function &fn : module) {
        for (llvm::Instruction &i : llvm::make_early_inc_range(llvm::instructions(fn))) {
            auto *const load = llvm::dyn_cast<llvm::LoadInst>(&i);
            if (load == nullptr) continue;
            llvm::Constant *const value = value_of(*load, linked.constants());
            if (value == nullptr) continue;
            load->replaceAllUsesWith(value);
            load->eraseFromParent();
            ++folded;
        }
    }
    return folded;
}

}  // namespace bpftime::vm::llvm_jit
