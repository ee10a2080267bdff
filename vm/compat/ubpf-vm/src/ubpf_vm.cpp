// bpftime-vm: the light backend "ubpf"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/configured_vm.hpp"
#include "interpreter.hpp"

#include <memory>

namespace bpftime::vm::ubpf {

namespace {

/// Starts fast, needs little memory, runs everywhere: for programs that run once and hosts without
/// LLVM.
class ubpf_vm final : public compat::configured_vm {
protected:
    result<std::unique_ptr<const compat::executable>> build(
        const compat::build_input &input) override {
        return make_interpreter(input);
    }
};

__attribute__((constructor)) void register_ubpf() {
    compat::register_vm_factory("ubpf", [] { return std::make_unique<ubpf_vm>(); });
}

}  // namespace

}  // namespace bpftime::vm::ubpf
