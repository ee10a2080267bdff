// bpftime-vm: the LLVM passes that compiled programs go through
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "counters.hpp"

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <chrono>
#include <cstdint>

namespace bpftime::vm::llvm_jit {

/// What passes have to look at: instructions, and ways through jump tables.
[[nodiscard]] uint64_t size_of(const llvm::Module &module);

/// How hard to try, 0 to 3, with a module of this size. Large ones are optimised less, because some
/// passes take more than linear time.
[[nodiscard]] unsigned level_for(unsigned wanted, uint64_t size) noexcept;

using deadline = std::chrono::steady_clock::time_point;
inline constexpr deadline no_deadline = deadline::max();

struct optimizing {
    unsigned level = 3;
    bool for_size = false;  ///< what makes code faster and larger is left out
    /// Behind it no further pass begins that the module can do without.
    deadline until = no_deadline;
};

/// Optimises the module for the machine's CPU.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, const optimizing &how,
              counters &counted);

}  // namespace bpftime::vm::llvm_jit
