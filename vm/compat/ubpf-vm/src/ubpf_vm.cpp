// bpftime-vm: the light backend "ubpf"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ubpf/ubpf_vm.hpp"

#include "interpreter.hpp"
#include "jit.hpp"

namespace bpftime::vm::ubpf {

result<std::unique_ptr<const compat::executable>> ubpf_vm::build(const compat::build_input &input) {
    return make_interpreter(input);
}

result<std::unique_ptr<const compat::executable>> ubpf_vm::build_native(
    const compat::build_input &input) {
    return make_native_program(input);
}

namespace {

__attribute__((constructor)) void register_ubpf() {
    compat::register_vm_factory("ubpf", [] { return std::make_unique<ubpf_vm>(); });
}

}  // namespace

}  // namespace bpftime::vm::ubpf
