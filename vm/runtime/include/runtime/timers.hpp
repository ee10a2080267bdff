// bpftime-vm: the clocks that timers of programs go by
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace bpftime::vm::runtime {

/// The clocks that timers can have, with the kernel's numbers.
enum class timer_clock : uint8_t { realtime = 0, monotonic = 1, boottime = 7 };

/// Tells the time of a clock in nanoseconds.
using clock_reader = std::function<int64_t(timer_clock)>;

/// What loaded_object::run_timers() has done.
struct timer_runs {
    std::size_t ran = 0;      ///< callbacks that returned
    std::size_t faulted = 0;  ///< callbacks that did not; their timers wait no more
};

}  // namespace bpftime::vm::runtime
