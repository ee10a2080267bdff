// bpftime-vm: the helpers about timers, and the host that runs their callbacks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "timer_helpers.hpp"

#include "compat/configured_vm.hpp"
#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "runtime/read_section.hpp"
#include "timer_list.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <utility>
#include <vector>

namespace bpftime::vm::runtime {

namespace {

const timer_host &host_of(void *context) noexcept {
    return *static_cast<const timer_host *>(context);
}

/// The value that has a timer at this address.
struct place_of_timer {
    map *of = nullptr;  ///< null: there is none
    value_place value;
};

place_of_timer find_timer(const map_set &maps, const void *field) {
    for (uint32_t i = 0; i < maps.size(); ++i) {
        map *const m = maps[i].get();
        if (m == nullptr or m->timers() == nullptr) continue;
        auto place = m->locate(field);
        if (not place) continue;
        const auto offset = static_cast<uint32_t>(static_cast<const uint8_t *>(field) -
                                                  static_cast<const uint8_t *>(place->value));
        const auto is_it = [&](const value_field &f) {
            return f.what == value_field::kind::timer and f.offset == offset;
        };
        if (std::ranges::any_of(m->definition().fields, is_it)) return {m, std::move(*place)};
    }
    return {};
}

/// Its list; null if there is no timer at this address.
timer_list *list_of(void *context, uint64_t field) {
    const place_of_timer found = find_timer(host_of(context).maps, pointer(field));
    return found.of == nullptr ? nullptr : found.of->timers();
}

// --- helpers

bool is_clock(uint64_t number) noexcept {
    switch (static_cast<timer_clock>(number)) {
    case timer_clock::realtime:
    case timer_clock::monotonic:
    case timer_clock::boottime: return true;
    }
    return false;
}

uint64_t init(void *context, uint64_t field, uint64_t map_word, uint64_t flags, uint64_t,
              uint64_t) {
    constexpr uint64_t clocks = 16;
    if (flags >= clocks or not is_clock(flags)) return word_of(-EINVAL);
    timer_list *const list = list_of(context, field);
    if (list == nullptr or list != map_of(map_word).timers()) return word_of(-EINVAL);
    return word_of(list->init(pointer(field), static_cast<timer_clock>(flags)));
}

uint64_t set_callback(void *context, uint64_t field, uint64_t function, uint64_t, uint64_t,
                      uint64_t) {
    timer_list *const list = list_of(context, field);
    if (list == nullptr) return word_of(-EINVAL);
    return word_of(list->set_callback(pointer(field), {host_of(context).program, function}));
}

int64_t later(int64_t time, int64_t nanoseconds) noexcept {
    int64_t sum = 0;
    if (not __builtin_add_overflow(time, nanoseconds, &sum)) return sum;
    return nanoseconds < 0 ? std::numeric_limits<int64_t>::min()
                           : std::numeric_limits<int64_t>::max();
}

uint64_t start(void *context, uint64_t field, uint64_t nanoseconds, uint64_t flags, uint64_t,
               uint64_t) {
    constexpr uint64_t absolute = 1;
    constexpr uint64_t on_this_cpu = 2;
    timer_list *const list = list_of(context, field);
    if (list == nullptr or (flags & ~(absolute | on_this_cpu)) != 0) return word_of(-EINVAL);
    const auto clock = list->clock_of(pointer(field));
    if (not clock) return word_of(-EINVAL);
    const auto wanted = static_cast<int64_t>(nanoseconds);
    const bool is_time = (flags & absolute) != 0;
    return word_of(list->start(pointer(field),
                               is_time ? wanted : later(host_of(context).now(*clock), wanted)));
}

uint64_t cancel(void *context, uint64_t field, uint64_t, uint64_t, uint64_t, uint64_t) {
    timer_list *const list = list_of(context, field);
    return word_of(list == nullptr ? -EINVAL : list->cancel(pointer(field)));
}

// --- the host

constexpr auto all_clocks =
    std::to_array({timer_clock::realtime, timer_clock::monotonic, timer_clock::boottime});

/// visit(map) for those whose values have timers.
template <typename Visit>
void for_each_with_timers(const map_set &maps, Visit &&visit) {
    for (uint32_t i = 0; i < maps.size(); ++i) {
        if (maps[i] != nullptr and maps[i]->timers() != nullptr) visit(*maps[i]);
    }
}

/// b - a, for a that is not after b.
uint64_t distance(int64_t a, int64_t b) noexcept {
    return static_cast<uint64_t>(b) - static_cast<uint64_t>(a);
}

struct due_timer {
    timer_list::waiting which;
    uint64_t late;  ///< nanoseconds
};

std::vector<due_timer> all_due(const map_set &maps, const clock_reader &now) {
    std::vector<due_timer> all;
    std::vector<timer_list::waiting> found;
    for (const timer_clock clock : all_clocks) {
        std::optional<int64_t> time;  // read once, if somebody asks
        for_each_with_timers(maps, [&](const map &m) {
            if (not m.timers()->first_due(clock)) return;
            if (not time) time = now(clock);
            m.timers()->add_due(clock, *time, found);
        });
        for (const timer_list::waiting &w : found) all.push_back({w, distance(w.due, *time)});
        found.clear();
    }
    std::ranges::sort(all, [](const due_timer &a, const due_timer &b) {
        return a.late != b.late ? a.late > b.late : a.which.field < b.which.field;
    });
    return all;
}

/// Calls function(map, key, value). False if it could not, or ended with a fault.
bool call(map &m, value_place &place, const timer_list::callback &what) {
    const read_section reading;  // so that the object whose program it is stays
    const std::shared_ptr<ebpf_vm> vm = what.program.lock();
    auto *const ours = vm == nullptr ? nullptr : dynamic_cast<compat::configured_vm *>(&vm->impl());
    if (ours == nullptr) return false;
    const compat::memory_span memory[] = {
        {word_of(place.key.data()), place.key.size(), permission::read},
        {word_of(place.value), m.shape().result_size,
         static_cast<permission>(m.shape().permission)}};
    const uint64_t arguments[5] = {word_of(&m), word_of(place.key.data()), word_of(place.value), 0,
                                   0};
    int64_t ignored = 0;
    return ours->call(what.function, arguments, memory, ignored) == EBPF_OK;
}

}  // namespace

int64_t read_system_clock(timer_clock clock) {
    constexpr int64_t second = 1'000'000'000;
    static_assert(static_cast<int>(timer_clock::boottime) == CLOCK_BOOTTIME);
    timespec t{};
    clock_gettime(static_cast<clockid_t>(clock), &t);
    return t.tv_sec * second + t.tv_nsec;
}

ebpf_ctx_helper_fn function_with_timers(external_function_t function) noexcept {
    if (function == helper::timer_init) return init;
    if (function == helper::timer_set_callback) return set_callback;
    if (function == helper::timer_start) return start;
    return function == helper::timer_cancel ? cancel : nullptr;
}

timer_runs run_timers(const map_set &maps, const clock_reader &now) {
    timer_runs runs;
    for (const due_timer &t : all_due(maps, now)) {
        // An earlier callback may have changed it, or deleted what it is in.
        place_of_timer place = find_timer(maps, t.which.field);
        timer_list::callback what;
        if (place.of == nullptr or not place.of->timers()->take(t.which, what)) continue;
        const scoped_running_timer running{t.which.field};
        ++(call(*place.of, place.value, what) ? runs.ran : runs.faulted);
    }
    return runs;
}

std::optional<uint64_t> next_timer(const map_set &maps, const clock_reader &now) {
    std::optional<uint64_t> next;
    for (const timer_clock clock : all_clocks) {
        for_each_with_timers(maps, [&](const map &m) {
            const auto due = m.timers()->first_due(clock);
            if (not due) return;
            const int64_t time = now(clock);
            const uint64_t wait = *due <= time ? 0 : distance(time, *due);
            next = std::min(next.value_or(wait), wait);
        });
    }
    return next;
}

// --- without a host there are no timers

uint64_t helper::timer_init(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}
uint64_t helper::timer_set_callback(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}
uint64_t helper::timer_start(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}
uint64_t helper::timer_cancel(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}

}  // namespace bpftime::vm::runtime
