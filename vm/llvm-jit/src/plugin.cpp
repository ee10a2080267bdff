// bpftime-vm: the LLVM backend as a plugin
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-vm.h"
#include "llvm_bpf_jit.hpp"

#include <cstring>
#include <stdexcept>
#include <string>

namespace {

/// The plugin shares classes with the library that are no stable interface.
class plugin_vm : public bpftime::vm::llvm_jit::llvm_bpf_jit {
public:
    plugin_vm() {
        if (std::strcmp(ebpf_version(), BPFTIME_VM_VERSION) != 0) {
            throw std::runtime_error(std::string{"its plugin is of version "} + BPFTIME_VM_VERSION +
                                     ", the library of version " + ebpf_version() +
                                     ": install both from one build");
        }
    }
};

}  // namespace

EBPF_VM_PLUGIN("llvm", plugin_vm);
