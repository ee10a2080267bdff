// bpftime-vm: the timers in the values of a map
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "timer_list.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

uintptr_t place_of(const void *field) noexcept { return reinterpret_cast<uintptr_t>(field); }

thread_local const void *running = nullptr;

}  // namespace

const void *running_timer() noexcept { return running; }

scoped_running_timer::scoped_running_timer(const void *field) noexcept
    : outer_{std::exchange(running, field)} {}
scoped_running_timer::~scoped_running_timer() { running = outer_; }

timer_list::place_map::value_type *timer_list::find(const void *field) {
    const auto at = timers_.find(place_of(field));
    return at == timers_.end() ? nullptr : &*at;
}

bool timer_list::stop(place_map::value_type &entry) {
    auto &[place, t] = entry;
    if (not t.waits) return false;
    t.waits = false;
    waiting_[t.clock].erase({t.due, place});
    return true;
}

int timer_list::init(const void *field, timer_clock clock) {
    const std::lock_guard guard{lock_};
    const bool is_new =
        timers_.try_emplace(place_of(field), timer{.clock = clock, .what = {}}).second;
    return is_new ? 0 : -EBUSY;
}

int timer_list::set_callback(const void *field, callback what) {
    const std::lock_guard guard{lock_};
    auto *const found = find(field);
    if (found == nullptr) return -EINVAL;
    found->second.what = std::move(what);
    found->second.has_callback = true;
    return 0;
}

std::optional<timer_clock> timer_list::clock_of(const void *field) {
    const std::lock_guard guard{lock_};
    const auto *const found = find(field);
    return found == nullptr ? std::nullopt : std::optional{found->second.clock};
}

int timer_list::start(const void *field, int64_t due) {
    const std::lock_guard guard{lock_};
    auto *const found = find(field);
    if (found == nullptr or not found->second.has_callback) return -EINVAL;
    stop(*found);
    auto &[place, t] = *found;
    waiting_[t.clock].emplace(due, place);
    t.waits = true;
    t.due = due;
    return 0;
}

int timer_list::cancel(const void *field) {
    const std::lock_guard guard{lock_};
    auto *const found = find(field);
    if (found == nullptr) return -EINVAL;
    if (running == field) return -EDEADLK;
    found->second.what = {};
    found->second.has_callback = false;
    return stop(*found) ? 1 : 0;
}

void timer_list::forget(const void *value, std::size_t size) noexcept {
    const std::lock_guard guard{lock_};
    const uintptr_t begin = place_of(value);
    const auto first = timers_.lower_bound(begin);
    const auto last = timers_.lower_bound(begin + size);
    for (auto at = first; at != last; ++at) stop(*at);
    timers_.erase(first, last);
}

void timer_list::add_due(timer_clock clock, int64_t now, std::vector<waiting> &to) const {
    const std::lock_guard guard{lock_};
    const auto of_clock = waiting_.find(clock);
    if (of_clock == waiting_.end()) return;
    for (const auto &[due, place] : of_clock->second) {
        if (due > now) return;
        to.push_back({reinterpret_cast<const void *>(place), clock, due});
    }
}

std::optional<int64_t> timer_list::first_due(timer_clock clock) const {
    const std::lock_guard guard{lock_};
    const auto of_clock = waiting_.find(clock);
    if (of_clock == waiting_.end() or of_clock->second.empty()) return {};
    return of_clock->second.begin()->first;
}

bool timer_list::take(const waiting &w, callback &what) {
    const std::lock_guard guard{lock_};
    auto *const found = find(w.field);
    if (found == nullptr or found->second.clock != w.clock or found->second.due != w.due or
        not stop(*found)) {
        return false;
    }
    what = found->second.what;
    return true;
}

}  // namespace bpftime::vm::runtime
