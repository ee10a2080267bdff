// bpftime-vm: memory checks that could be made at once
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "memory_checks.hpp"

#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <cstdint>
#include <unordered_set>
#include <vector>

namespace bpftime::vm::llvm_jit {

/// Bytes that are compared at once.
inline constexpr int64_t most_bytes_at_once = int64_t{1} << 20;

/// Numbers between bounds that are added to an address, as a byte or a masked index, may differ by
/// so much.
inline constexpr int64_t most_room = int64_t{1} << 12;

/// Somewhere from `base` + `offset` on, and no more than `room` bytes behind that.
struct place {
    llvm::Value *base;
    int64_t offset;
    int64_t room = 0;

    [[nodiscard]] bool is_exact() const { return room == 0; }
};

struct placed_check {
    memory_check check;
    place at;
};

/// Checks that follow each other with nothing between that can be seen from outside. All of their
/// bases are known where the first is made.
using run_of_checks = std::vector<placed_check>;

/// Bytes off one base.
struct span {
    llvm::Value *base;
    int64_t begin;
    int64_t end;
};
using spans = std::vector<span>;

/// Adds what the checks are about, at most.
void add_spans(const run_of_checks &run, spans &to);
[[nodiscard]] bool are_small(const spans &all);
/// Whether all of them are in the input memory.
[[nodiscard]] llvm::Value *are_in_input(llvm::IRBuilderBase &builder, const spans &all);
/// The address that is checked, where what makes it is known.
[[nodiscard]] llvm::Value *address_of(llvm::IRBuilderBase &builder, const placed_check &one);
/// Where the asking block goes when an access may not be. Null: not known.
[[nodiscard]] llvm::BasicBlock *failing_successor(const memory_check &check);
/// Whether `v` has its value at `at`.
[[nodiscard]] bool is_known_at(const llvm::Value *v, const llvm::Instruction *at,
                               const llvm::DominatorTree &tree);

/// Finds the runs of a function: each check is in one. May compute addresses earlier than before.
class run_finder {
public:
    run_finder(llvm::Function &fn, const llvm::DominatorTree &tree)
        : fn_{fn}, tree_{tree}, layout_{fn.getParent()->getDataLayout()} {}

    [[nodiscard]] std::vector<run_of_checks> find();

private:
    void find_from(const memory_check &first);
    bool can_join(const run_of_checks &run, const memory_check &check);
    bool bring(llvm::Value *v, llvm::Instruction *at, unsigned operations);

    llvm::Function &fn_;
    const llvm::DominatorTree &tree_;
    const llvm::DataLayout &layout_;
    std::unordered_set<const llvm::BranchInst *> seen_;
    std::vector<run_of_checks> found_;
};

}  // namespace bpftime::vm::llvm_jit
