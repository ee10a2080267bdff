// bpftime-vm: running something on several threads at once, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <barrier>
#include <thread>
#include <vector>

namespace bpftime::vm::test {

inline constexpr unsigned thread_count = 16;

/// Runs body(i) on thread i of sixteen, all of them starting at once.
template <typename Body>
void on_all_threads(Body &&body) {
    std::barrier start{thread_count};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < thread_count; ++i) {
        threads.emplace_back([&, i] {
            start.arrive_and_wait();
            body(i);
        });
    }
    for (std::thread &t : threads) t.join();
}

}  // namespace bpftime::vm::test
