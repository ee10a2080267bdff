// bpftime-vm: the interpreter of backend "ubpf"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/configured_vm.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace bpftime::vm::ubpf {

/// Prepares a program for interpretation. Executes the whole instruction set.
[[nodiscard]] std::unique_ptr<const compat::executable> make_interpreter(
    const compat::build_input &input);

/// Goes on in the place of other code, in the function with the deepest live frame: from the
/// instruction at `pc` on, with these registers. For runs that are going to end with a fault before
/// that function returns. `interpreter`: of make_interpreter().
void run_into_fault(const compat::executable &interpreter, compat::run &r, uint32_t pc,
                    const std::array<uint64_t, isa::register_count> &registers);

}  // namespace bpftime::vm::ubpf
