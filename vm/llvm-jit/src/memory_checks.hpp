// bpftime-vm: the memory checks in a function, as the compiler makes them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace bpftime::vm::llvm_jit {

/// A check that compares with the input memory and asks the memory map otherwise. The input memory
/// is the same for the whole run, and may be read and written: what is inside of it once, is so
/// always, whatever is called in between.
struct memory_check {
    llvm::BranchInst *branch;  ///< compares
    unsigned ask_successor;    ///< of `branch`: asks the memory map
    llvm::CallInst *call;      ///< what asks

    [[nodiscard]] llvm::Value *address() const { return call->getArgOperand(1); }
    [[nodiscard]] uint64_t size() const;
    [[nodiscard]] llvm::BasicBlock *ask() const { return branch->getSuccessor(ask_successor); }
    [[nodiscard]] llvm::BasicBlock *fine() const { return branch->getSuccessor(1 - ask_successor); }
    /// What must hold for nothing to be asked.
    void set_condition(llvm::Value *is_fine) const;
};

/// Says that what `call` asks is asked only where an access is not inside the input memory, and
/// that the branch to its block, which has no other way in yet, is about that alone.
void mark_input_check(llvm::CallInst &call);

/// Notes at a branch that it compares so many places with the input memory for several accesses:
/// for who counts checks in finished code.
void note_comparisons(llvm::BranchInst &branch, std::size_t places);

/// What a branch compares before control goes where the memory map is asked, or to a version of the
/// code that asks it more often.
struct comparisons {
    std::size_t places = 0;  ///< 0: it is no such branch
    bool is_shared = false;  ///< by several accesses, or by those of all rounds of a loop
};
/// Also after all passes.
[[nodiscard]] comparisons comparisons_of(const llvm::Instruction &terminator);

/// The check that this block ends with.
[[nodiscard]] std::optional<memory_check> check_in(llvm::BasicBlock &block);

/// The instructions of a block that are left, about, when its check is not made.
[[nodiscard]] std::size_t size_without_check(llvm::BasicBlock &block);

/// Whether so many bytes from `base` + `offset` on are in the input memory; `bytes` is not 0.
[[nodiscard]] llvm::Value *is_in_input(llvm::IRBuilderBase &builder, llvm::Value *base,
                                       int64_t offset, llvm::Value *bytes);

/// Whether `v` is the address of the input memory in the function that the host calls.
[[nodiscard]] bool is_input_argument(const llvm::Value &v);

/// In the function that the host calls, r1 and r2 are the input memory: what is compared with the
/// one can be known from what the program compared with the other.
void name_input_by_arguments(llvm::Function &main);

}  // namespace bpftime::vm::llvm_jit
