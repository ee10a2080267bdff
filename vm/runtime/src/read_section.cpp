// bpftime-vm: keeping what readers look at until they have finished
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/read_section.hpp"

#include "run_scope.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <new>
#include <span>

namespace bpftime::vm::runtime {

namespace {

constexpr uint64_t quiet = 0;

/// One thread as a reader. Records are used again when their thread has ended, and never freed.
struct reader {
    std::atomic<uint64_t> since = quiet;  ///< the time at which its outermost section began
    std::atomic<bool> taken = true;
    reader *next = nullptr;
    uint32_t depth = 0;
};

struct retired_object {
    uint64_t at;
    void *object;
    void (*destroy)(void *);
};

std::atomic<uint64_t> now = 1;
std::atomic<reader *> readers = nullptr;

struct retired_list {
    std::mutex lock;
    std::deque<retired_object> objects;  // oldest first
    std::atomic<std::size_t> count = 0;
};

/// Never destroyed: threads may end after static objects.
retired_list &retired() {
    static auto &list = *new retired_list;
    return list;
}

reader *take_reader() {
    for (reader *r = readers.load(std::memory_order_acquire); r != nullptr; r = r->next) {
        if (not r->taken.exchange(true, std::memory_order_acquire)) return r;
    }
    auto *const made = new reader;
    made->next = readers.load(std::memory_order_relaxed);
    while (not readers.compare_exchange_weak(made->next, made, std::memory_order_release)) {
    }
    return made;
}

struct reader_lease {
    reader *mine = nullptr;

    ~reader_lease() {
        if (mine != nullptr) mine->taken.store(false, std::memory_order_release);
    }
};

reader &this_reader() {
    static thread_local reader_lease lease;
    if (lease.mine == nullptr) lease.mine = take_reader();
    return *lease.mine;
}

/// The time at which the oldest section of all began.
uint64_t oldest_section() noexcept {
    uint64_t oldest = std::numeric_limits<uint64_t>::max();
    for (reader *r = readers.load(std::memory_order_acquire); r != nullptr; r = r->next) {
        const uint64_t since = r->since.load(std::memory_order_acquire);
        if (since != quiet and since < oldest) oldest = since;
    }
    return oldest;
}

/// Takes out objects that nobody can look at any more; how many.
std::size_t take_retired(std::span<retired_object> to) noexcept {
    const std::lock_guard guard{retired().lock};
    auto &objects = retired().objects;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const uint64_t oldest = oldest_section();
    std::size_t count = 0;
    for (; count < to.size() and not objects.empty() and objects.front().at < oldest; ++count) {
        to[count] = objects.front();
        objects.pop_front();
    }
    retired().count.store(objects.size(), std::memory_order_relaxed);
    return count;
}

void collect() noexcept {
    std::array<retired_object, 32> gone;
    std::size_t count = 0;
    do {
        count = take_retired(gone);
        for (const retired_object &o : std::span{gone}.first(count)) o.destroy(o.object);
    } while (count == gone.size());
}

void enter(reader &r) noexcept {
    if (r.depth++ != 0) return;
    r.since.store(now.load(std::memory_order_relaxed), std::memory_order_relaxed);
    // Either retire() sees this section, or this section sees what happened before retire().
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void leave(reader &r) noexcept {
    if (--r.depth != 0) return;
    r.since.store(quiet, std::memory_order_release);
    if (retired().count.load(std::memory_order_relaxed) != 0) collect();
}

}  // namespace

read_section::read_section() noexcept { enter(this_reader()); }
read_section::~read_section() { leave(this_reader()); }

void read_until_run_ends() noexcept {
    if (run_scope *const scope = run_scope::current()) scope->read();
}

void retire(void *object, void (*destroy)(void *)) noexcept {
    try {
        const std::lock_guard guard{retired().lock};
        retired().objects.push_back({now.fetch_add(1, std::memory_order_relaxed), object, destroy});
        retired().count.store(retired().objects.size(), std::memory_order_relaxed);
    } catch (const std::bad_alloc &) {
        return;
    }
    collect();
}

}  // namespace bpftime::vm::runtime
