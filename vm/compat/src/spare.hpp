// bpftime-vm: what runs leave for those that come after them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

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
        return has_ended ? nullptr : std::move(of_thread().kept);
    }
    static void keep(std::unique_ptr<T> object) noexcept {
        if (not has_ended) of_thread().kept = std::move(object);
    }

private:
    struct place {
        std::unique_ptr<T> kept;
        ~place() { has_ended = true; }
    };
    static place &of_thread() noexcept {
        static thread_local place here;
        return here;
    }
    /// Runs may come from destructors of the thread's other objects.
    static inline constinit thread_local bool has_ended = false;
};

}  // namespace bpftime::vm::compat
