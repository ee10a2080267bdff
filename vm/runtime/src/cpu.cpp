// bpftime-vm: giving threads the numbers of CPUs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/cpu.hpp"

#include "compat/map_probe.hpp"

#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace bpftime::vm::runtime {

namespace detail {
constinit thread_local uint32_t this_cpu = no_cpu;
}  // namespace detail

namespace {

/// How many living threads count as each CPU.
struct cpu_users {
    std::mutex lock;
    std::vector<uint32_t> threads = std::vector<uint32_t>(cpu_count());
};

/// Never destroyed: threads may end after static objects.
cpu_users &users() {
    static auto &all = *new cpu_users;
    return all;
}

/// Gives the thread's CPU back when the thread ends.
struct cpu_lease {
    uint32_t cpu = detail::no_cpu;

    ~cpu_lease() {
        if (cpu == detail::no_cpu) return;
        const std::lock_guard guard{users().lock};
        --users().threads[cpu];
    }
};

thread_local cpu_lease lease;

}  // namespace

uint32_t cpu_count() noexcept {
    static const auto count = static_cast<uint32_t>(std::max(1L, sysconf(_SC_NPROCESSORS_CONF)));
    return count;
}

uint32_t detail::take_cpu() noexcept {
    const std::lock_guard guard{users().lock};
    auto &threads = users().threads;
    const auto least_used = std::ranges::min_element(threads);
    ++*least_used;
    lease.cpu = static_cast<uint32_t>(least_used - threads.begin());
    return this_cpu = lease.cpu;
}

const compat::thread_cpu *cpu_of_threads() noexcept {
#if defined(__x86_64__) || defined(__aarch64__)
    // Initial-exec: as far from the thread pointer in all threads.
    static const compat::thread_cpu cpu{
        .count = cpu_count(),
        .offset = reinterpret_cast<const char *>(&detail::this_cpu) -
                  static_cast<const char *>(__builtin_thread_pointer()),
        .take = detail::take_cpu};
    return &cpu;
#else
    return nullptr;
#endif
}

}  // namespace bpftime::vm::runtime
