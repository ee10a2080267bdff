// bpftime-vm: the elements of hash maps: where they are, and which are free
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "element_pool.hpp"

#include "runtime/cpu.hpp"

#include <mutex>

namespace bpftime::vm::runtime {

element_pool::element_pool(uint32_t count, std::size_t element_bytes)
    : count_{count},
      element_bytes_{element_bytes},
      memory_{element_bytes * (std::size_t{count} + cpu_count())},
      stripes_{std::make_unique<stripe[]>(cpu_count())} {
    if (not has_memory()) return;
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) stripes_[cpu].spare = at(count + cpu);
}

uint32_t element_pool::size() const noexcept { return count_ + cpu_count(); }

element_pool::stripe &element_pool::this_stripe() noexcept { return stripes_[current_cpu()]; }

element *element_pool::take_from(stripe &s) noexcept {
    if (s.first.load(std::memory_order_relaxed) == 0) return nullptr;
    const std::lock_guard guard{s.lock};
    const uint32_t first = s.first.load(std::memory_order_relaxed);
    if (first == 0) return nullptr;
    element *const e = at(first - 1);
    s.first.store(e->hash.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return e;
}

element *element_pool::take() noexcept {
    if (element *const e = take_from(this_stripe())) return e;
    if (untouched_.load(std::memory_order_relaxed) < count_) {
        const uint32_t index = untouched_.fetch_add(1, std::memory_order_relaxed);
        if (index < count_) return at(index);
        untouched_.store(count_, std::memory_order_relaxed);
    }
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        if (element *const e = take_from(stripes_[cpu])) return e;
    }
    return nullptr;
}

void element_pool::give(element *e) noexcept {
    stripe &s = this_stripe();
    const std::lock_guard guard{s.lock};
    e->hash.store(s.first.load(std::memory_order_relaxed), std::memory_order_relaxed);
    s.first.store(index_of(e) + 1, std::memory_order_relaxed);
}

}  // namespace bpftime::vm::runtime
