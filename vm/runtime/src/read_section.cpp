// bpftime-vm: keeping what readers look at until they have finished
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/read_section.hpp"

#include "compat/thread_end.hpp"
#include "run_scope.hpp"
#include "spin_lock.hpp"

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

/// All threads as one reader that there is no memory for to be one each.
struct common_reader {
    std::atomic<uint64_t> since = quiet;  ///< the time at which the first of these sections began
    spin_lock lock;
    uint32_t sections = 0;
};

struct retired_object {
    uint64_t at;
    void *object;
    void (*destroy)(void *object, void *owner);
    void *owner;
};

std::atomic<uint64_t> now = 1;
std::atomic<reader *> readers = nullptr;
constinit common_reader threads_without_memory;

struct retired_list {
    std::mutex lock;
    std::deque<retired_object> objects;  // oldest first
};
/// Of objects in the list.
std::atomic<std::size_t> retired_count = 0;

/// Never destroyed: threads may end after static objects. There is no list before it has objects.
retired_list &retired() {
    static auto &list = *new retired_list;
    return list;
}

// --- which reader a thread is

constinit thread_local reader *own_reader = nullptr;
/// Sections of this thread as one of those without memory; it is one until the last of them ends.
constinit thread_local uint32_t depth_without_memory = 0;

/// Null: there is no memory.
reader *take_reader() noexcept {
    for (reader *r = readers.load(std::memory_order_acquire); r != nullptr; r = r->next) {
        if (not r->taken.exchange(true, std::memory_order_acquire)) return r;
    }
    auto *const made = new (std::nothrow) reader;
    if (made == nullptr) return nullptr;
    made->next = readers.load(std::memory_order_relaxed);
    while (not readers.compare_exchange_weak(made->next, made, std::memory_order_release)) {
    }
    return made;
}

void give_back(void *of_thread) noexcept {
    auto *const r = static_cast<reader *>(of_thread);
    // What else is done when the thread ends may be in a section, and leave it later.
    if (r->depth != 0) return;
    own_reader = nullptr;
    r->taken.store(false, std::memory_order_release);
}

[[gnu::noinline]] reader *first_reader() noexcept {
    static const compat::thread_end when_thread_ends{give_back};
    reader *const taken = take_reader();
    if (taken == nullptr or when_thread_ends.leave(taken)) return taken;
    taken->taken.store(false, std::memory_order_release);
    return nullptr;
}

/// Null: this thread is one of those without memory.
reader *this_reader() noexcept {
    if (own_reader == nullptr and depth_without_memory == 0) own_reader = first_reader();
    return own_reader;
}

/// The time at which the oldest section of all began.
uint64_t oldest_section() noexcept {
    uint64_t oldest = std::numeric_limits<uint64_t>::max();
    const auto reckon = [&oldest](const std::atomic<uint64_t> &began) {
        const uint64_t since = began.load(std::memory_order_acquire);
        if (since != quiet and since < oldest) oldest = since;
    };
    reckon(threads_without_memory.since);
    for (reader *r = readers.load(std::memory_order_acquire); r != nullptr; r = r->next)
        reckon(r->since);
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
    retired_count.store(objects.size(), std::memory_order_relaxed);
    return count;
}

void collect() noexcept {
    std::array<retired_object, 32> gone;
    std::size_t count = 0;
    do {
        count = take_retired(gone);
        for (const retired_object &o : std::span{gone}.first(count)) o.destroy(o.object, o.owner);
    } while (count == gone.size());
}

void begin(std::atomic<uint64_t> &since) noexcept {
    since.store(now.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

[[gnu::noinline]] void enter_without_memory() noexcept {
    if (depth_without_memory++ != 0) return;
    common_reader &r = threads_without_memory;
    const std::lock_guard guard{r.lock};
    if (r.sections++ == 0) begin(r.since);
}

[[gnu::noinline]] void leave_without_memory() noexcept {
    if (--depth_without_memory != 0) return;
    common_reader &r = threads_without_memory;
    const std::lock_guard guard{r.lock};
    if (--r.sections == 0) r.since.store(quiet, std::memory_order_release);
}

void enter() noexcept {
    reader *const r = this_reader();
    if (r == nullptr) {
        enter_without_memory();
    } else {
        if (r->depth++ != 0) return;
        begin(r->since);
    }
    // Either retire() sees this section, or this section sees what happened before retire().
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void leave() noexcept {
    reader *const r = this_reader();
    if (r == nullptr) {
        leave_without_memory();
    } else {
        if (--r->depth != 0) return;
        r->since.store(quiet, std::memory_order_release);
    }
    if (retired_count.load(std::memory_order_relaxed) != 0) collect();
}

}  // namespace

read_section::read_section() noexcept { enter(); }
read_section::~read_section() { leave(); }

void read_until_run_ends() noexcept {
    if (run_scope *const scope = run_scope::current_or_outer()) scope->read();
}

void retire(void *object, void (*destroy)(void *, void *), void *owner) noexcept {
    try {
        const std::lock_guard guard{retired().lock};
        const uint64_t at = now.fetch_add(1, std::memory_order_relaxed);
        retired().objects.push_back({at, object, destroy, owner});
        retired_count.store(retired().objects.size(), std::memory_order_relaxed);
    } catch (const std::bad_alloc &) {
        return;
    }
    collect();
}

}  // namespace bpftime::vm::runtime
