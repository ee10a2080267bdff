// bpftime-vm: native code for a program, put where it can run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "generator.hpp"

namespace bpftime::vm::ubpf {

/// Makes native code for a machine that this one can stand for: it has the features, and maybe
/// more. `program` is where rt_enter() finds it.
[[nodiscard]] result<native_code> generate_code(generator &maker, machine_features machine,
                                                const compat::build_input &input,
                                                const native_program *program);

}  // namespace bpftime::vm::ubpf
