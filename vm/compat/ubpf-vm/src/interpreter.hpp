// bpftime-vm: the interpreter of backend "ubpf"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/configured_vm.hpp"

#include <memory>

namespace bpftime::vm::ubpf {

/// Prepares a program for interpretation. Executes the whole instruction set.
[[nodiscard]] std::unique_ptr<const compat::executable> make_interpreter(
    const compat::build_input &input);

}  // namespace bpftime::vm::ubpf
