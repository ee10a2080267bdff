// bpftime-vm: which memory the checked accesses of a loop reach in all its rounds
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "memory_checks.hpp"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

#include <cstdint>
#include <vector>

namespace bpftime::vm::llvm_jit {

/// What ends a loop after a number of rounds that is known when it begins.
struct known_rounds {
    const llvm::SCEV *count;    ///< at most that often the loop goes on
    llvm::BasicBlock *exiting;  ///< that asks whether it does
    bool is_likely_reached;     ///< else `count` may be far more than what it comes to
};

/// Memory in which accesses of a loop are: in round n, counted from 0,
/// [first + n * step, first + n * step + bytes).
struct reach {
    const llvm::SCEV *first;  ///< known when the loop begins
    int64_t step;
    uint64_t bytes;
    bool in_last_round;  ///< the accesses are made before the loop asks whether it goes on
};

/// The checks of a loop that need not be made if all of its rounds stay in the input memory.
struct loop_checks {
    std::vector<memory_check> checks;
    std::vector<reach> reaches;  ///< what they reach, and no more than accesses of each round do
};

class reach_finder {
public:
    reach_finder(llvm::ScalarEvolution &evolution, const llvm::DominatorTree &tree,
                 const llvm::TargetTransformInfo &costs, llvm::SCEVExpander &expander)
        : evolution_{evolution}, tree_{tree}, costs_{costs}, expander_{expander} {}

    [[nodiscard]] loop_checks find(llvm::Loop &loop, const known_rounds &rounds);
    /// Whether all that `reaches` tell is in the input memory, computed at `at` before the loop.
    /// `count`: rounds.count, of no more than compat::budget::slice_units; else the answer means
    /// nothing.
    [[nodiscard]] llvm::Value *are_in_input(const std::vector<reach> &reaches, llvm::Value *count,
                                            llvm::Instruction *at);

private:
    [[nodiscard]] std::optional<reach> reach_of(const memory_check &check, const llvm::Loop &loop);
    [[nodiscard]] const llvm::SCEV *number_in(const llvm::SCEV &term);
    bool add(const llvm::SCEV &term, const llvm::Loop &loop, reach &to);
    bool join(const reach &one, std::vector<reach> &all, bool may_grow);
    [[nodiscard]] bool is_cheap(const llvm::SCEV *first, llvm::Loop &loop) const;

    llvm::ScalarEvolution &evolution_;
    const llvm::DominatorTree &tree_;
    const llvm::TargetTransformInfo &costs_;
    llvm::SCEVExpander &expander_;
};

}  // namespace bpftime::vm::llvm_jit
