// bpftime-vm: the helpers about fields of values
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "run_scope.hpp"
#include "value_lock.hpp"

#include <atomic>

namespace bpftime::vm::runtime {

uint64_t helper::spin_lock(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    // Who cannot give the lock back must not have it, and who goes on without it would do harm.
    run_scope *const scope = run_scope::current_or_throw();
    if (scope != nullptr and lock_value(pointer(r1))) scope->set_lock(pointer(r1));
    return 0;
}

uint64_t helper::spin_unlock(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    run_scope *const scope = run_scope::current();
    if (scope != nullptr and unlock_value(pointer(r1))) scope->set_lock(nullptr);
    return 0;
}

uint64_t helper::kptr_xchg(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    if (r1 % sizeof(uint64_t) != 0) return 0;
    return pointer<std::atomic<uint64_t>>(r1)->exchange(r2, std::memory_order_seq_cst);
}

}  // namespace bpftime::vm::runtime
