// bpftime-vm: a lock for the few instructions that a map's writers need
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace bpftime::vm::runtime {

/// Waits for what another thread is about to finish: a little at once, then by giving way, as that
/// thread may not be running.
class backoff {
public:
    void wait() noexcept;

private:
    uint32_t rounds_ = 0;
};

/// Held for copies of one value at most. BasicLockable.
class spin_lock {
public:
    void lock() noexcept {
        if (not try_lock()) lock_slowly();
    }
    [[nodiscard]] bool try_lock() noexcept {
        return not held_.exchange(true, std::memory_order_acquire);
    }
    void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
    void lock_slowly() noexcept;

    std::atomic<bool> held_ = false;
};

}  // namespace bpftime::vm::runtime
