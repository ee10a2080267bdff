// bpftime-vm: the locks in values of maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

namespace bpftime::vm::runtime {

// A lock is known by where its struct bpf_spin_lock is. Who holds it is not written there, where
// programs could change it: the host would wait for ever. A thread holds one at a time, so nobody
// waits in a circle; the kernel's verifier refuses programs that take two.

/// Waits for the lock and takes it; false if this thread holds one already, the same or another.
bool lock_value(const void *field) noexcept;
/// Gives it back; false if this thread does not hold it.
bool unlock_value(const void *field) noexcept;

/// Holds a lock for a copy.
class scoped_value_lock {
public:
    explicit scoped_value_lock(const void *field) noexcept
        : field_{field}, owns_{lock_value(field)} {}
    ~scoped_value_lock() {
        if (owns_) unlock_value(field_);
    }
    scoped_value_lock(const scoped_value_lock &) = delete;
    scoped_value_lock &operator=(const scoped_value_lock &) = delete;

    [[nodiscard]] bool owns() const noexcept { return owns_; }

private:
    const void *field_;
    bool owns_;
};

}  // namespace bpftime::vm::runtime
