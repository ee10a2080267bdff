// bpftime-vm: the LLVM backend as a plugin
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "llvm_bpf_jit.hpp"

EBPF_VM_PLUGIN("llvm", bpftime::vm::llvm_jit::llvm_bpf_jit);
