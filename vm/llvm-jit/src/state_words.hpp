// bpftime-vm: what compiled code reads of its run_state
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"

#include <llvm/IR/IRBuilder.h>

#include <optional>

namespace bpftime::vm::llvm_jit {

/// Loads a word of the run_state that `state` points to. It is the same for the whole run.
[[nodiscard]] llvm::Value *load_state_word(llvm::IRBuilderBase &builder, llvm::Value *state,
                                           state_word which);
/// What `i` loads of it, if that is so.
[[nodiscard]] std::optional<state_word> loaded_state_word(const llvm::Instruction &i,
                                                          const llvm::Value *state);

}  // namespace bpftime::vm::llvm_jit
