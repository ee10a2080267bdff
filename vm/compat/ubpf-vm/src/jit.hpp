// bpftime-vm: native code for a program: what does not depend on the machine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "code_arena.hpp"
#include "compat/executable.hpp"
#include "jit_state.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace bpftime::vm::ubpf {

class native_program;

/// A program's native code in the arena.
struct native_code {
    code_memory memory;
    uint32_t entry = 0;                  ///< where the function is that ebpf_compile() gives
    bool keeps_frames = false;           ///< as jit_analysis::keeps_frames()
    std::vector<uint32_t> functions;     ///< where each function is; code of those unreachable: 0
    std::vector<uint32_t> jump_targets;  ///< the same for the program's jump targets
    std::vector<uint32_t> group_sizes;   ///< what jit_state::group_starts is for
};

// --- what there is for each machine

/// Makes native code. `program` is where rt_enter() finds it.
[[nodiscard]] result<native_code> generate_code(const compat::build_input &input,
                                                const native_program *program);
// --- for the backend

/// Whether this build makes native code for this machine.
[[nodiscard]] bool can_compile() noexcept;

/// Compiles a program.
[[nodiscard]] result<std::unique_ptr<const compat::executable>> make_native_program(
    const compat::build_input &input);

}  // namespace bpftime::vm::ubpf
