// bpftime-vm: what maps hold that nobody changes any more, as constants of the programs that load
// it Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#pragma once

#include "compat/config.hpp"

#include <llvm/IR/Module.h>

namespace bpftime::vm::llvm_jit {

/// Loads from linkage::constants() at addresses that are constants become what is there now. Gives
/// how many did.
unsigned fold_constant_maps(const compat::linkage &linked, llvm::Module &module);

}  // namespace bpftime::vm::llvm_jit
