// bpftime-vm: the same operations in the kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "operations.hpp"

#include <cstdint>
#include <string>

namespace bpftime::vm::benchmark {

/// An operation's map and a program that performs one round of it, in the kernel.
class kernel_operation {
public:
    /// Throws std::runtime_error with the reason, and the verifier's where it has one.
    explicit kernel_operation(const operation &o);
    ~kernel_operation();
    kernel_operation(const kernel_operation &) = delete;
    kernel_operation &operator=(const kernel_operation &) = delete;

    /// Nanoseconds that a round takes, on average of `rounds`.
    [[nodiscard]] uint64_t run(uint32_t rounds) const;

private:
    void fill(const operation &o) const;
    void load(const operation &o);
    void map_ring();

    int map_ = -1;
    int program_ = -1;
    std::size_t page_ = 0;
    volatile uint64_t *consumer_ = nullptr;
    volatile const uint64_t *producer_ = nullptr;
};

}  // namespace bpftime::vm::benchmark
