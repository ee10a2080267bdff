// bpftime-vm: the LLVM backend "llvm"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "llvm_bpf_jit.hpp"

#include "helper_bodies.hpp"
#include "native_code_gen.hpp"
#include "native_program.hpp"

namespace bpftime::vm::llvm_jit {

result<std::unique_ptr<const compat::executable>> llvm_bpf_jit::build(
    const compat::build_input &input) {
    auto program = std::make_unique<native_program>(input);
    auto code = generate_native_code(input, program.get());
    if (not code) return std::unexpected{std::move(code.error())};
    program->adopt(std::move(*code));
    return program;
}

result<void> llvm_bpf_jit::check_bitcode(const compat::helper_bitcode &body) const {
    return check_helper_body(body);
}

result<void> llvm_bpf_jit::check_cpu(const std::string &cpu) const { return check_processor(cpu); }

namespace {

__attribute__((constructor)) void register_llvm_vm_factory() {
    compat::register_vm_factory("llvm", [] { return std::make_unique<llvm_bpf_jit>(); });
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit
