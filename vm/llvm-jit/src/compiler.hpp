// bpftime-vm: eBPF to LLVM IR
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/configured_vm.hpp"
#include "counters.hpp"

#include <llvm/IR/Module.h>

#include <memory>
#include <string>

namespace bpftime::vm::llvm_jit {

/// Names of the symbols of a compiled program.
inline constexpr const char *main_symbol = "bpf_main";    ///< entry_function
inline constexpr const char *entry_symbol = "bpf_entry";  ///< ebpf_jit_fn
/// call_back_function; where helpers call functions of the program.
inline constexpr const char *call_back_symbol = "bpf_call_back";
/// What the module leaves open: its native_program, and each helper's function and context.
inline constexpr const char *program_symbol = "bpf_program";
[[nodiscard]] std::string helper_symbol(uint32_t id);
[[nodiscard]] std::string helper_context_symbol(uint32_t id);
[[nodiscard]] std::string helper_binding_symbol(uint32_t id);

/// Translates the reachable functions of a linked program into an empty module, whose data layout
/// is set. Every instruction that linkage accepts is translated, so this cannot fail.
void compile_to_ir(const compat::build_input &input, llvm::Module &module, counters &counted);

}  // namespace bpftime::vm::llvm_jit
