// bpftime-vm: looking on while a program is interpreted
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/executable.hpp"
#include "compat/run.hpp"
#include "isa/isa.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace bpftime::vm::ubpf {

/// A run as it is before one instruction.
struct moment {
    uint32_t pc;     ///< of the instruction
    uint32_t depth;  ///< of the running function's frame; the first one's is 0
    std::span<const uint64_t, isa::register_count> registers;
    compat::run &run;
};

/// Sees each instruction before it is executed. Called by all threads that run the program.
class watcher {
public:
    watcher() = default;
    virtual ~watcher() = default;
    watcher(const watcher &) = delete;
    watcher &operator=(const watcher &) = delete;

    virtual void see(const moment &now) = 0;
};

/// Prepares a program for interpretation with somebody who looks on: slower, and otherwise the
/// same. Frames are wholly zero when they are entered.
[[nodiscard]] std::unique_ptr<const compat::executable> make_watched_interpreter(
    const compat::build_input &input, std::unique_ptr<watcher> by);

}  // namespace bpftime::vm::ubpf
