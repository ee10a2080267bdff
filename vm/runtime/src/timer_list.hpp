// bpftime-vm: the timers in the values of a map
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/timers.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

struct ebpf_vm;

namespace bpftime::vm::runtime {

/// What is known of the timers of one map, by where their struct bpf_timer is. Nothing of it is
/// written there, where programs could change it. Functions give 0 or a negative errno unless they
/// say otherwise, and may be called from any thread.
class timer_list {
public:
    /// What a timer does when it is due.
    struct callback {
        std::weak_ptr<ebpf_vm> program;
        uint64_t function = 0;
    };
    struct waiting {
        const void *field;
        timer_clock clock;
        int64_t due;  ///< nanoseconds of that clock
    };

    int init(const void *field, timer_clock clock);
    int set_callback(const void *field, callback what);
    /// The clock of a timer; nothing if there is none.
    [[nodiscard]] std::optional<timer_clock> clock_of(const void *field);
    int start(const void *field, int64_t due);
    /// 1 if it was waiting, 0 if not.
    int cancel(const void *field);
    /// The value at `value` is no more: its timers are cancelled and gone.
    void forget(const void *value, std::size_t size) noexcept;

    /// Adds those of a clock that are due at a time of it.
    void add_due(timer_clock clock, int64_t now, std::vector<waiting> &to) const;
    /// When the first one of a clock is due; nothing if none waits.
    [[nodiscard]] std::optional<int64_t> first_due(timer_clock clock) const;
    /// Ends the wait of a timer that is about to be called; false if it does not wait for that any
    /// more.
    [[nodiscard]] bool take(const waiting &w, callback &what);

private:
    struct timer {
        timer_clock clock = timer_clock::monotonic;
        callback what;
        bool has_callback = false;
        bool waits = false;
        int64_t due = 0;
    };

    using place_map = std::map<uintptr_t, timer>;

    /// Null if there is none.
    [[nodiscard]] place_map::value_type *find(const void *field);
    /// Whether it waited.
    bool stop(place_map::value_type &entry);

    mutable std::mutex lock_;
    place_map timers_;
    /// Those that wait, by clock: when they are due, and where they are.
    std::map<timer_clock, std::set<std::pair<int64_t, uintptr_t>>> waiting_;
};

/// The timer whose callback this thread runs; null if it runs none.
[[nodiscard]] const void *running_timer() noexcept;

/// Makes it that.
class scoped_running_timer {
public:
    explicit scoped_running_timer(const void *field) noexcept;
    ~scoped_running_timer();
    scoped_running_timer(const scoped_running_timer &) = delete;
    scoped_running_timer &operator=(const scoped_running_timer &) = delete;

private:
    const void *outer_;
};

}  // namespace bpftime::vm::runtime
