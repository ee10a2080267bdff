// bpftime-vm: the light backend "ubpf"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/configured_vm.hpp"

#include <memory>

namespace bpftime::vm::ubpf {

/// Starts fast, needs little memory, runs everywhere: for programs that run once and hosts without
/// LLVM. Programs run in the interpreter until they are compiled.
class ubpf_vm : public compat::configured_vm {
protected:
    result<std::unique_ptr<const compat::executable>> build(
        const compat::build_input &input) override;
    result<std::unique_ptr<const compat::executable>> build_native(
        const compat::build_input &input) override;
    [[nodiscard]] uint64_t build_bytes_per_slot(bool native) const noexcept override {
        return native ? 256 : 32;
    }
};

}  // namespace bpftime::vm::ubpf
