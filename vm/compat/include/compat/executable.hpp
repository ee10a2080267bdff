// bpftime-vm: what a backend makes of a program, and what it makes it of
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "compat/config.hpp"
#include "program/program.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace bpftime::vm::compat {

class run;

/// What an engine gets to work with. All of it outlives the executable.
struct build_input {
    const program &code;
    const linkage &linked;
    const vm_config &config;
    /// How often ebpf_interrupt() was called, for runs that begin in native code.
    const std::atomic<uint32_t> &interrupts;
    program_memory memory;
    /// What the host said of the input memory when code was made: the VM's setting may change, and
    /// native code that is out goes on.
    std::optional<ebpf_input> declared_input{};

    /// Whether the memory map is asked where accesses go: for programs with an arena also if they
    /// are not checked, as addresses of an arena mean others, and pages may not be there.
    [[nodiscard]] bool asks_for_places() const noexcept {
        return config.bounds_checks or linked.arena() != nullptr;
    }
};

/// Code that can run: what a backend makes of a program. Immutable; runs on any number of threads
/// at once.
class executable {
public:
    executable() = default;
    virtual ~executable() = default;
    executable(const executable &) = delete;
    executable &operator=(const executable &) = delete;

    /// Runs the code once. True and r0, or false with the fault in `r`.
    [[nodiscard]] virtual bool execute(run &r, uint64_t &r0) const = 0;
    /// The same for a function that a helper calls, called at `pc` in a run of this code; what
    /// `function` is the handle of can be called. It pays, and may go too deep, as by callx. False
    /// if the run ends: with the fault in `r`, or without (an unwinding helper).
    [[nodiscard]] virtual bool call_back(run &r, uint32_t pc, uint64_t function,
                                         const uint64_t arguments[5], uint64_t &r0) const = 0;
    /// Calls a function in the place of the program's own work, for the host: it has the second
    /// frame, as if the entry function had called it, and the first one is empty. It is callable,
    /// and some helper of the program is declared to call functions.
    [[nodiscard]] virtual bool call(run &r, uint64_t function, const uint64_t arguments[5],
                                    uint64_t &r0) const = 0;
    /// The native entry point; null if this engine has none.
    [[nodiscard]] virtual precompiled_ebpf_function entry() const noexcept { return nullptr; }
    /// What making the code did.
    [[nodiscard]] virtual std::vector<compile_stat> stats() const { return {}; }
};

/// The program of a VM made ready to run under one configuration.
struct prepared_program {
    prepared_program(linkage l, const program &p, const vm_config &config,
                     const std::atomic<uint32_t> &interrupts)
        : linked{std::move(l)},
          input{p,
                linked,
                config,
                interrupts,
                {config.regions, linked.regions(), linked.arena(), config.input_permission()},
                config.input},
          stack{config.stack_size, config.call_depth} {}
    prepared_program(const prepared_program &) = delete;
    prepared_program &operator=(const prepared_program &) = delete;

    const linkage linked;
    const build_input input;
    const stack_layout stack;
    std::unique_ptr<const executable> code;
};

}  // namespace bpftime::vm::compat
