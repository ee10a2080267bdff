// bpftime-vm: what a run has of maps until it ends
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "run_scope.hpp"

#include "compat/thread_end.hpp"
#include "object_heap.hpp"
#include "value_lock.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

/// That of runs which are in no other one: each thread has it, so that no run lacks the memory for
/// it. Those within are made when they are needed, and keep their memory.
struct scope_memory {
    alignas(run_scope) std::byte bytes[sizeof(run_scope)];
    run_scope *made;
};
constinit thread_local scope_memory outermost_scope{};

void forget_scopes(void *of_thread) noexcept {
    outermost_scope.made = nullptr;
    std::destroy_at(static_cast<run_scope *>(of_thread));
}

}  // namespace

constinit thread_local run_scope *run_scope::innermost = nullptr;

/// Without memory to remember it, what it has is not given back when the thread ends.
run_scope *run_scope::outermost() noexcept {
    static const compat::thread_end when_thread_ends{forget_scopes};
    scope_memory &memory = outermost_scope;
    if (memory.made == nullptr) {
        memory.made = new (memory.bytes) run_scope;
        static_cast<void>(when_thread_ends.leave(memory.made));
    }
    return memory.made;
}

run_scope *run_scope::inner() noexcept {
    if (inner_ == nullptr) {
        inner_.reset(new (std::nothrow) run_scope);
        if (inner_ != nullptr) inner_->outer_ = this;
    }
    return inner_.get();
}

run_scope *run_scope::current() noexcept {
    compat::run *const run = compat::run::current();
    return run == nullptr ? nullptr : of(*run);
}

/// Not inlined: each helper that asks for a scope would save the registers that this one needs.
[[gnu::noinline]] run_scope *run_scope::begin(compat::run &run) noexcept {
    run_scope *const fresh = innermost == nullptr ? outermost() : innermost->inner();
    if (fresh == nullptr) return nullptr;
    fresh->run_ = &run;
    run.at_end(end);
    innermost = fresh;
    return fresh;
}

run_scope *run_scope::current_or_throw() {
    run_scope *const scope = current();
    if (scope == nullptr and compat::run::current() != nullptr) throw std::bad_alloc{};
    return scope;
}

run_scope *run_scope::current_or_outer() noexcept {
    run_scope *const scope = current();
    return scope != nullptr or compat::run::current() == nullptr ? scope : innermost;
}

void run_scope::end() noexcept {
    innermost->clear();
    innermost = innermost->outer_;
}

void run_scope::clear() noexcept {
    if (lock_ != nullptr) unlock_value(std::exchange(lock_, nullptr));
    for (const open_record &r : records_) r.ring->discard(r.record, 0);
    records_.clear();
    for (const auto &[begin, owned] : owned_objects_) {
        for (uint32_t i = 0; i < owned.count; ++i) owned.of->release(begin);
    }
    owned_objects_.clear();
    maps_.clear();
    owned_.clear();
    reading_.reset();
    run_ = nullptr;
}

void run_scope::add_map(const map *found) {
    if (not has_map(found)) maps_.push_back(found);
}

bool run_scope::has_map(const map *m) const noexcept {
    return std::ranges::find(maps_, m) != maps_.end();
}

bool run_scope::take_object(uint64_t begin) noexcept {
    const auto at = owned_objects_.find(begin);
    if (at == owned_objects_.end()) return false;
    if (--at->second.count == 0) owned_objects_.erase(at);
    return true;
}

void *run_scope::own_words(const map &of, std::size_t count) noexcept {
    const auto there = std::ranges::find(owned_, &of, &owned_words::of);
    if (there != owned_.end()) return there->words.get();
    try {
        owned_.push_back({&of, std::make_unique<uint64_t[]>(count)});
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
    return owned_.back().words.get();
}

ring_buffer *run_scope::take_record(void *record) noexcept {
    const auto it = std::ranges::find(records_, record, &open_record::record);
    if (it == records_.end()) return nullptr;
    ring_buffer *const ring = it->ring;
    *it = records_.back();
    records_.pop_back();
    return ring;
}

}  // namespace bpftime::vm::runtime
