// bpftime-vm: the helpers about timers, and the host that runs their callbacks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "runtime/map_set.hpp"
#include "runtime/timers.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace bpftime::vm::runtime {

/// What the timer helpers of one program need to know. Outlives its runs.
struct timer_host {
    std::weak_ptr<ebpf_vm> program;
    const map_set &maps;  ///< in whose values timers can be
    const clock_reader &now;
};

/// What the system's clocks say.
[[nodiscard]] int64_t read_system_clock(timer_clock clock);

/// The function that a timer helper is with a timer_host as its context; null: it is none.
[[nodiscard]] ebpf_ctx_helper_fn function_with_timers(external_function_t function) noexcept;

/// Registers the timer helpers for a host that runs timers.
result<void> register_timers(ebpf_vm &vm, const timer_host &host);

/// loaded_object::run_timers() and next_timer(), which tell what they do.
timer_runs run_timers(const map_set &maps, const clock_reader &now);
[[nodiscard]] std::optional<uint64_t> next_timer(const map_set &maps, const clock_reader &now);

}  // namespace bpftime::vm::runtime
