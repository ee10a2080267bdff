// bpftime-vm: waiting for chains of hash maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "hash_chain.hpp"

namespace bpftime::vm::runtime {

void locked_chain::lock_slowly(const lock_holder &by) noexcept {
    patient_backoff idle;
    for (;;) {
        uint64_t seen = head_.load(std::memory_order_relaxed);
        const auto holder = static_cast<uint32_t>(seen & token_mask);
        if (holder == 0 or (idle.wait() and by.is_gone(holder))) {
            if (try_lock(seen)) return;
        }
    }
}

}  // namespace bpftime::vm::runtime
