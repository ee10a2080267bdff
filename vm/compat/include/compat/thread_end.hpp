// bpftime-vm: what is done when a thread ends
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

namespace bpftime::vm::compat {

/// Calls a function with what a thread left for it, when that thread ends. A destructor of a
/// thread_local object is not for threads that must go on without memory: where the C library has
/// none to remember it, it ends the process. One of these is a static object, which takes one of
/// the process's few keys.
class thread_end {
public:
    explicit thread_end(void (*what)(void *)) noexcept
        : has_key_{pthread_key_create(&key_, what) == 0} {}
    /// From now on nothing is called: threads may outlive the library.
    ~thread_end() {
        if (has_key_) pthread_key_delete(key_);
    }
    thread_end(const thread_end &) = delete;
    thread_end &operator=(const thread_end &) = delete;

    /// For this thread, in the place of what it left before. False: nothing will be called for it.
    [[nodiscard]] bool leave(void *what) const noexcept {
        return has_key_ and pthread_setspecific(key_, what) == 0;
    }

private:
    pthread_key_t key_ = 0;
    bool has_key_;
};

}  // namespace bpftime::vm::compat
