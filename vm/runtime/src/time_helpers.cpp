// bpftime-vm: the helpers that tell the time
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"

#include <ctime>

namespace bpftime::vm::runtime {

namespace {

constexpr uint64_t second = 1'000'000'000;

uint64_t nanoseconds(const timespec &t) noexcept {
    return static_cast<uint64_t>(t.tv_sec) * second + static_cast<uint64_t>(t.tv_nsec);
}

uint64_t now(clockid_t clock) noexcept {
    timespec t{};
    clock_gettime(clock, &t);
    return nanoseconds(t);
}

/// Ticks per second of the kernel (CONFIG_HZ): its coarse clock moves with them.
uint64_t ticks_per_second() noexcept {
    timespec t{};
    clock_getres(CLOCK_MONOTONIC_COARSE, &t);
    return second / nanoseconds(t);
}

}  // namespace

uint64_t helper::ktime_get_ns(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return now(CLOCK_MONOTONIC);
}

uint64_t helper::ktime_get_boot_ns(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return now(CLOCK_BOOTTIME);
}

uint64_t helper::ktime_get_coarse_ns(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return now(CLOCK_MONOTONIC_COARSE);
}

uint64_t helper::ktime_get_tai_ns(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return now(CLOCK_TAI);
}

uint64_t helper::jiffies64(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    static const uint64_t per_second = ticks_per_second();
    // The kernel begins to count five minutes before 32 bits overflow.
    const uint64_t at_boot = static_cast<uint32_t>(-300 * static_cast<int64_t>(per_second));
    return at_boot + now(CLOCK_MONOTONIC_COARSE) / (second / per_second);
}

}  // namespace bpftime::vm::runtime
