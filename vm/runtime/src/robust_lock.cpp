// bpftime-vm: locks that processes share, and that outlive a process which dies with one
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "robust_lock.hpp"

namespace bpftime::vm::runtime {

void robust_lock::lock_slowly(const lock_holder &by) noexcept {
    patient_backoff idle;
    for (;;) {
        uint32_t owner = owner_.load(std::memory_order_relaxed);
        if (owner == 0) {
            if (try_lock(by)) return;
        } else if (idle.wait() and by.is_gone(owner) and
                   owner_.compare_exchange_strong(owner, by.token(), std::memory_order_acquire)) {
            return;
        }
    }
}

}  // namespace bpftime::vm::runtime
