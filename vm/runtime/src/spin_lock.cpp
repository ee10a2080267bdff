// bpftime-vm: waiting for other threads
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "spin_lock.hpp"

#include <thread>

namespace bpftime::vm::runtime {

namespace {

constexpr uint32_t spins_before_yield = 64;

void pause_briefly() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

void backoff::wait() noexcept {
    if (++rounds_ < spins_before_yield)
        pause_briefly();
    else
        std::this_thread::yield();
}

void spin_lock::lock_slowly() noexcept {
    backoff idle;
    do {
        while (held_.load(std::memory_order_relaxed)) idle.wait();
    } while (not try_lock());
}

}  // namespace bpftime::vm::runtime
