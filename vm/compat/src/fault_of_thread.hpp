// bpftime-vm: the last fault of each thread, where every run looks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/fault.hpp"

#include <memory>

namespace bpftime::vm::compat {

/// What last_fault() gives.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local fault fault_of_thread;

/// Makes it the last fault, of a program from `source`.
[[gnu::cold]] void keep_fault(const fault &f,
                              const std::shared_ptr<const program_source> &source) noexcept;

/// clear_last_fault() without a call: nearly all runs end well, after others that did.
inline void forget_fault() noexcept {
    if (fault_of_thread.kind != fault_kind::none) [[unlikely]]
        fault_of_thread = {};
}

}  // namespace bpftime::vm::compat
