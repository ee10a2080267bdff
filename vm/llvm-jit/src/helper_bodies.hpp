// bpftime-vm: helpers that come as bitcode, and become a part of the programs that call them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/configured_vm.hpp"
#include "counters.hpp"
#include "host_functions.hpp"

#include <llvm/IR/Module.h>

#include <vector>

namespace bpftime::vm::llvm_jit {

/// The attribute of functions of bodies that says for which features of the CPU they were compiled,
/// as LLVM's "target-features" does.
inline constexpr const char *body_features = "bpf-body-features";

/// Whether this can be a helper's body: why not.
[[nodiscard]] result<void> check_helper_body(const compat::helper_bitcode &body);

/// Defines the helpers that `module` calls by their names (helper_symbol()) and of which there is
/// bitcode: by functions that are always inlined. Gives what the bitcode needs of the process.
[[nodiscard]] result<std::vector<host_address>> link_helper_bodies(const compat::build_input &input,
                                                                   llvm::Module &module,
                                                                   counters &counted);

}  // namespace bpftime::vm::llvm_jit
