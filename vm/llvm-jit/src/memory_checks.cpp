// bpftime-vm: the memory checks in a function, as the compiler makes them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "memory_checks.hpp"

#include "abi.hpp"
#include "compiler.hpp"
#include "host_functions.hpp"
#include "state_words.hpp"

#include <llvm/IR/Function.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace bpftime::vm::llvm_jit {

namespace {

constexpr const char *input_mark = "bpf.input";
constexpr const char *comparisons_mark = "bpf.comparisons";

/// The arguments of the function that the host calls which are the input memory.
constexpr unsigned input_begin_argument = 3;
constexpr unsigned input_len_argument = 4;

/// The call of the memory map that is all that this block does, but for going on where it passes.
llvm::CallInst *check_call_in(llvm::BasicBlock &block) {
    llvm::CallInst *asks = nullptr;
    for (llvm::Instruction &i : block) {
        if (auto *const call = llvm::dyn_cast<llvm::CallInst>(&i);
            call != nullptr and asks == nullptr and is_call_of(*call, rare_function::check) and
            call->getMetadata(input_mark) != nullptr) {
            asks = call;
        } else if (i.mayHaveSideEffects()) {
            return nullptr;
        }
    }
    return asks;
}

/// Where control goes from the block of this call if the check passes; null: that is not what ends
/// the block.
llvm::BasicBlock *passing_successor(const llvm::CallInst &call) {
    const auto *const branch = llvm::dyn_cast<llvm::BranchInst>(call.getParent()->getTerminator());
    if (branch == nullptr or not branch->isConditional()) return nullptr;
    const auto *const compares = llvm::dyn_cast<llvm::ICmpInst>(branch->getCondition());
    if (compares == nullptr or not compares->isEquality() or compares->getOperand(0) != &call)
        return nullptr;
    const auto *const with = llvm::dyn_cast<llvm::ConstantInt>(compares->getOperand(1));
    if (with == nullptr or not with->isZero()) return nullptr;
    const unsigned passes = compares->getPredicate() == llvm::CmpInst::ICMP_NE ? 0 : 1;
    llvm::BasicBlock *const to = branch->getSuccessor(passes);
    return to == branch->getSuccessor(1 - passes) ? nullptr : to;
}

/// Whether the memory map is asked about an access in this block, or where that goes on to.
bool asks(const llvm::BasicBlock *block) {
    constexpr unsigned most_blocks = 4;
    for (unsigned i = 0; i < most_blocks and block != nullptr; ++i) {
        const bool is_asked = llvm::any_of(*block, [](const llvm::Instruction &in) {
            const auto *const call = llvm::dyn_cast<llvm::CallInst>(&in);
            return call != nullptr and is_call_of(*call, rare_function::check);
        });
        if (is_asked) return true;
        block = block->getSingleSuccessor();
    }
    return false;
}

/// A word of the run's state, or the argument that it is.
llvm::Value *input_word(llvm::IRBuilderBase &b, state_word which) {
    llvm::Function &fn = *b.GetInsertBlock()->getParent();
    if (fn.getName() != main_symbol) return load_state_word(b, fn.getArg(0), which);
    if (which == state_word::input_len) return fn.getArg(input_len_argument);
    return b.CreatePtrToInt(fn.getArg(input_begin_argument), b.getInt64Ty());
}

/// How far behind the begin of the input memory an address is: the sum of what the program has
/// added to r1, if it is that.
llvm::Value *offset_in_input(llvm::IRBuilderBase &b, llvm::Value *address) {
    llvm::Value *const begin = input_word(b, state_word::input_begin);
    llvm::Value *offset = b.getInt64(0);
    llvm::Value *at = address;
    constexpr unsigned most_steps = 8;
    for (unsigned i = 0; i < most_steps; ++i) {
        auto *const gep = llvm::dyn_cast<llvm::GetElementPtrInst>(at);
        if (gep == nullptr or gep->getNumIndices() != 1 or
            not gep->getSourceElementType()->isIntegerTy(8) or
            not gep->getOperand(1)->getType()->isIntegerTy(64))
            break;
        offset = b.CreateAdd(offset, gep->getOperand(1));
        at = gep->getPointerOperand();
    }
    const auto *const cast = llvm::dyn_cast<llvm::PtrToIntInst>(begin);
    if (cast != nullptr and cast->getPointerOperand() == at) return offset;
    llvm::Value *const number =
        address->getType()->isPointerTy() ? b.CreatePtrToInt(address, b.getInt64Ty()) : address;
    return b.CreateSub(number, begin);
}

}  // namespace

uint64_t memory_check::size() const {
    const auto *const packed = llvm::cast<llvm::ConstantInt>(call->getArgOperand(2));
    return access_word::unpack(packed->getZExtValue()).size;
}

void memory_check::set_condition(llvm::Value *is_fine) const {
    llvm::IRBuilder<> b{branch};
    branch->setCondition(ask_successor == 1 ? is_fine : b.CreateNot(is_fine));
}

void mark_input_check(llvm::CallInst &call) {
    llvm::MDNode *const mark = llvm::MDNode::get(call.getContext(), {});
    call.setMetadata(input_mark, mark);
    call.getParent()->getSinglePredecessor()->getTerminator()->setMetadata(input_mark, mark);
}

void note_comparisons(llvm::BranchInst &branch, std::size_t places) {
    llvm::LLVMContext &context = branch.getContext();
    auto *const number = llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), places);
    branch.setMetadata(comparisons_mark,
                       llvm::MDNode::get(context, llvm::ConstantAsMetadata::get(number)));
}

comparisons comparisons_of(const llvm::Instruction &terminator) {
    if (terminator.getNumSuccessors() < 2) return {};
    if (const llvm::MDNode *const noted = terminator.getMetadata(comparisons_mark))
        return {llvm::mdconst::extract<llvm::ConstantInt>(noted->getOperand(0))->getZExtValue(),
                true};
    return {llvm::any_of(llvm::successors(&terminator), asks) ? std::size_t{1} : 0, false};
}

std::optional<memory_check> check_in(llvm::BasicBlock &block) {
    auto *const branch = llvm::dyn_cast<llvm::BranchInst>(block.getTerminator());
    // A branch of the program that has taken in a check's comparison has no mark: it goes to where
    // nothing is asked for a reason of its own.
    if (branch == nullptr or not branch->isConditional() or
        branch->getMetadata(input_mark) == nullptr or
        llvm::isa<llvm::Constant>(branch->getCondition()))
        return std::nullopt;
    for (const unsigned s : {0U, 1U}) {
        llvm::BasicBlock *const ask = branch->getSuccessor(s);
        if (ask->getSinglePredecessor() != &block) continue;
        llvm::CallInst *const call = check_call_in(*ask);
        // Others have made shapes of checks that look alike: who fails one may go on to ask.
        if (call != nullptr and llvm::isa<llvm::ConstantInt>(call->getArgOperand(2)) and
            passing_successor(*call) == branch->getSuccessor(1 - s))
            return memory_check{branch, s, call};
    }
    return std::nullopt;
}

std::size_t size_without_check(llvm::BasicBlock &block) {
    constexpr std::size_t check_size = 4;
    const std::size_t size = block.size();
    if (check_call_in(block) != nullptr) return 0;
    return check_in(block) ? size - std::min(size, check_size) : size;
}

llvm::Value *is_in_input(llvm::IRBuilderBase &b, llvm::Value *base, int64_t offset,
                         llvm::Value *bytes) {
    llvm::Value *const len = input_word(b, state_word::input_len);
    llvm::Value *const last = b.CreateSub(bytes, b.getInt64(1));
    llvm::Value *const limit = b.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, len, last);
    llvm::Value *const begins =
        b.CreateAdd(offset_in_input(b, base), b.getInt64(static_cast<uint64_t>(offset)));
    return b.CreateICmpULT(begins, limit);
}

bool is_input_argument(const llvm::Value &v) {
    const auto *const argument = llvm::dyn_cast<llvm::Argument>(&v);
    return argument != nullptr and argument->getArgNo() == input_begin_argument and
           argument->getParent()->getName() == main_symbol;
}

void name_input_by_arguments(llvm::Function &main) {
    std::vector<std::pair<llvm::Instruction *, state_word>> loads;
    for (llvm::BasicBlock &block : main) {
        for (llvm::Instruction &i : block) {
            if (const auto which = loaded_state_word(i, main.getArg(0)))
                loads.emplace_back(&i, *which);
        }
    }
    for (const auto &[load, which] : loads) {
        if (which != state_word::input_begin and which != state_word::input_len) continue;
        llvm::IRBuilder<> b{load};
        load->replaceAllUsesWith(input_word(b, which));
        load->eraseFromParent();
    }
}

}  // namespace bpftime::vm::llvm_jit
