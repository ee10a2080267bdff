// bpftime-vm: the CPUs that per-CPU maps have values for, and which of them a thread is
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace bpftime::vm::compat {
struct thread_cpu;
}  // namespace bpftime::vm::compat

namespace bpftime::vm::runtime {

/// How many values a per-CPU map has for each key: the machine's possible CPUs.
[[nodiscard]] uint32_t cpu_count() noexcept;

namespace detail {
inline constexpr uint32_t no_cpu = ~uint32_t{0};
extern constinit thread_local uint32_t this_cpu __attribute__((tls_model("initial-exec")));
uint32_t take_cpu() noexcept;
}  // namespace detail

/// The CPU that the calling thread counts as, always the same one. Threads that live at the same
/// time count as different CPUs as long as there are enough.
[[nodiscard]] inline uint32_t current_cpu() noexcept {
    const uint32_t cpu = detail::this_cpu;
    return cpu != detail::no_cpu ? cpu : detail::take_cpu();
}

/// How native code finds the same; null: not on this machine.
[[nodiscard]] const compat::thread_cpu *cpu_of_threads() noexcept;

}  // namespace bpftime::vm::runtime
