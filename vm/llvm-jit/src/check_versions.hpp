// bpftime-vm: code that makes a memory check for what follows, or else as it goes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "check_runs.hpp"
#include "counters.hpp"

#include <llvm/Analysis/LoopInfo.h>

namespace bpftime::vm::llvm_jit {

/// Where checks follow that are about memory close to what an earlier one is about, with conditions
/// or stores between, the code from the first check to the last gets two versions: one comparison
/// chooses the one without checks, or the one that makes each check in its place. Gives the runs
/// that are still checked, but not those of the rare versions. `tree` and `loops` stay true.
[[nodiscard]] std::vector<run_of_checks> make_versions(llvm::Function &fn,
                                                       llvm::DominatorTree &tree,
                                                       llvm::LoopInfo &loops, counters &counted);

}  // namespace bpftime::vm::llvm_jit
