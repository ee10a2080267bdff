// bpftime-vm: the LLVM backend "llvm"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/configured_vm.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bpftime::vm::llvm_jit {

/// Compiles programs to native code through LLVM when they are first run or compiled: for programs
/// that run often.
class llvm_bpf_jit : public compat::configured_vm {
public:
    llvm_bpf_jit() {
        configured_vm::set_limit(compat::vm_limit::check_elimination, 1);
        compile_bitcode();
    }

    std::optional<std::vector<std::string>> do_get_ptx() override;

protected:
    result<std::unique_ptr<const compat::executable>> build(
        const compat::build_input &input) override;
    [[nodiscard]] result<void> check_bitcode(const compat::helper_bitcode &body) const override;
    [[nodiscard]] result<void> check_cpu(const std::string &cpu) const override;
    [[nodiscard]] uint64_t build_bytes_per_slot(bool /*native*/) const noexcept override {
        return 6 << 10;
    }
};

}  // namespace bpftime::vm::llvm_jit
