// bpftime-vm: what runs leave for those that come after them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/thread_end.hpp"

#include <memory>
#include <utility>

namespace bpftime::vm::compat {

/// One object that a thread keeps for its next run, so that runs need not allocate what the ones
/// before them did.
template <typename T>
class spare {
public:
    /// What was kept, in the state that it was given in; null: nothing was.
    [[nodiscard]] static std::unique_ptr<T> take() noexcept {
        return std::unique_ptr<T>{std::exchange(kept, nullptr)};
    }
    static void keep(std::unique_ptr<T> object) noexcept {
        static const thread_end when_thread_ends{forget};
        if (not is_remembered) is_remembered = when_thread_ends.leave(&kept);
        if (is_remembered and kept == nullptr) kept = object.release();
    }

private:
    static void forget(void * /*left*/) noexcept {
        is_remembered = false;  // runs may come from what other objects of the thread do at its end
        delete std::exchange(kept, nullptr);
    }

    static inline constinit thread_local T *kept = nullptr;
    static inline constinit thread_local bool is_remembered = false;
};

}  // namespace bpftime::vm::compat
