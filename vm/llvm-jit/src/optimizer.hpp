// bpftime-vm: the LLVM passes that compiled programs go through
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <cstdint>

namespace bpftime::vm::llvm_jit {

/// How hard to try, 0 to 3, with a module of this many LLVM instructions. Large ones are optimised
/// less, because some passes take more than linear time.
[[nodiscard]] unsigned level_for(unsigned wanted, uint32_t instructions) noexcept;

/// Optimises the module for the machine's CPU.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned level);

}  // namespace bpftime::vm::llvm_jit
