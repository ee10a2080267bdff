// bpftime-vm: PTX for GPUs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "llvm_bpf_jit.hpp"

namespace bpftime::vm::llvm_jit {

std::optional<std::vector<std::string>> llvm_bpf_jit::do_get_ptx() {
    not_supported("do_get_ptx (PTX code generation)");
    return std::nullopt;
}

}  // namespace bpftime::vm::llvm_jit
