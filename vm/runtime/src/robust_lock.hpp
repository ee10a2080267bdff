// bpftime-vm: locks that processes share, and that outlive a process which dies with one
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "spin_lock.hpp"

#include <atomic>
#include <cstdint>

namespace bpftime::vm::runtime {

/// Who takes locks in a piece of memory: a process, as one of those that have the memory open.
class lock_holder {
public:
    /// Tokens are from 1 on, and have so many bits.
    static constexpr unsigned token_bits = 20;

    /// Of memory that no other process has.
    lock_holder() = default;

    [[nodiscard]] uint32_t token() const noexcept { return token_; }
    /// Whether the process with this token has ended, or closed the memory.
    [[nodiscard]] bool is_gone(uint32_t token) const noexcept;

    // The same with so few bits that it fits beside other things: one that is gone may
    // be taken for another that is there, 16 processes later.
    static constexpr unsigned short_token_bits = 12;

    [[nodiscard]] uint32_t short_token() const noexcept {
        return token_ & ((1U << short_token_bits) - 1);
    }
    [[nodiscard]] bool is_short_gone(uint32_t token) const noexcept;

private:
    [[nodiscard]] bool is_gone(uint32_t token, uint32_t generations) const noexcept;

    friend class shared_file;
    uint32_t token_ = 1;
    int fd_ = -1;                                         ///< -1: nobody else takes locks
    const std::atomic<uint32_t> *generations_ = nullptr;  ///< by member number
};

/// Waits for a lock; tells now and then that it is time to ask whether its holder is gone.
class patient_backoff {
public:
    [[nodiscard]] bool wait() noexcept {
        idle_.wait();
        return ++rounds_ % rounds_between_questions == 0;
    }

private:
    static constexpr uint32_t rounds_between_questions = 4096;
    backoff idle_;
    uint32_t rounds_ = 0;
};

/// Held for a few instructions. What it protects is made such that each single store leaves it
/// whole: who gets the lock of a process that is gone goes on from there.
class robust_lock {
public:
    void lock(const lock_holder &by) noexcept {
        if (not try_lock(by)) lock_slowly(by);
    }
    [[nodiscard]] bool try_lock(const lock_holder &by) noexcept {
        uint32_t free = 0;
        return owner_.compare_exchange_strong(free, by.token(), std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }
    void unlock() noexcept { owner_.store(0, std::memory_order_release); }

private:
    void lock_slowly(const lock_holder &by) noexcept;

    std::atomic<uint32_t> owner_ = 0;
};

class scoped_robust_lock {
public:
    scoped_robust_lock(robust_lock &lock, const lock_holder &by) noexcept : lock_{lock} {
        lock.lock(by);
    }
    ~scoped_robust_lock() { lock_.unlock(); }
    scoped_robust_lock(const scoped_robust_lock &) = delete;
    scoped_robust_lock &operator=(const scoped_robust_lock &) = delete;

private:
    robust_lock &lock_;
};

}  // namespace bpftime::vm::runtime
