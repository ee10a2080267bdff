// bpftime-vm: timers in values of maps, by a clock of the test's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_program.hpp"
#include "runtime/timers.hpp"
#include "threads.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>

namespace bpftime::vm::runtime::test {

namespace {

using compat::fault_kind;

/// Programs do what `todo` says to the timer of the value at `key`, and note what came of it.
constexpr std::string_view timer_prologue = R"(
static long (*timer_init)(void *timer, void *map, u64 flags) = (void *)169;
static long (*timer_set_callback)(void *timer, void *fn) = (void *)170;
static long (*timer_start)(void *timer, u64 nanoseconds, u64 flags) = (void *)171;
static long (*timer_cancel)(void *timer) = (void *)172;
static void (*end_object)(void) = (void *)1000;
struct bpf_timer { u64 opaque[2]; } __attribute__((aligned(8)));
struct element { u64 count; struct bpf_timer timer; u64 order; };
#ifndef TYPE
#define TYPE 1
#endif
struct { __uint(type, TYPE); __uint(max_entries, 4); __type(key, u32); __type(value, struct element); } timers SEC(".maps");
struct { u32 key; u32 todo; u64 nanoseconds; u64 flags; u64 again; u64 calls; s64 result; } say = {0};
static int called(void *map, u32 *key, struct element *e) {
    e->count++;
    e->order = ++say.calls * 10 + *key;
    if (map != &timers) say.result = -1000;
    if (say.again == 1) say.result = timer_start(&e->timer, say.nanoseconds, 0);
    if (say.again == 2) say.result = timer_cancel(&e->timer);
    if (say.again == 3) say.result = delete(&timers, key);
    if (say.again == 4) for (;;) say.calls++;
    if (say.again == 5) say.result = *(volatile s64 *)4096;
    if (say.again == 6) say.result = *(volatile s64 *)(e + 1);
    if (say.again == 7) *(volatile u32 *)key = 1;
#ifdef MAY_END
    if (say.again == 8) {
        end_object();
        say.result = ++say.calls;
        e->count += *key + (lookup(&timers, key) != 0);
    }
#endif
    return 0;
}
static int other(void *map, u32 *key, struct element *e) { e->count += 100; return 0; }
SEC("socket") int f(void *ctx) {
    struct element *e = lookup(&timers, &say.key);
    if (!e) return -100;
    switch (say.todo) {
    case 0: return timer_init(&e->timer, &timers, say.flags);
    case 1: return timer_set_callback(&e->timer, called);
    case 2: return timer_start(&e->timer, say.nanoseconds, say.flags);
    case 3: return timer_cancel(&e->timer);
    case 4: return timer_set_callback(&e->timer, other);
    case 5: return timer_init((char *)e + 4, &timers, 0);
    case 6: return timer_init(&e->count, &timers, 0);
    case 7: return timer_set_callback(&e->timer, (void *)12345);
    case 8: {
        struct bpf_timer local = {0};
        return timer_init(&local, &timers, 0);
    }
    }
    return -101;
}
)";

enum todo : uint32_t {
    init,
    set_callback,
    start,
    cancel,
    set_other,
    init_odd,
    init_count,
    set_forged,
    init_local
};

struct orders {
    uint32_t key = 0;
    uint32_t todo = 0;
    uint64_t nanoseconds = 0;
    uint64_t flags = 0;
    uint64_t again = 0;
    uint64_t calls = 0;
    int64_t result = 0;
};

class timers : public object_test {
protected:
    /// Loads the programs, with all values there.
    void load(std::string_view type) {
        object_.emplace(object_test::load(
            "#define TYPE " + std::string{type} + "\n" + std::string{timer_prologue},
            {.clock = [this](timer_clock c) { return now_[c]; }}));
        map_ = object_->find_map("timers");
        if (type != "2") {
            for (uint32_t k = 0; k < 3; ++k) put(k);
        }
    }
    void put(uint32_t k) { ASSERT_EQ(errno_of(map_->update(key(k), bytes(32))), 0); }
    int32_t tell(todo what, uint32_t k = 0, uint64_t nanoseconds = 0, uint64_t flags = 0) {
        orders o = said();
        o.key = k;
        o.todo = what;
        o.nanoseconds = nanoseconds;
        o.flags = flags;
        say(o);
        return static_cast<int32_t>(run(*object_, "f"));
    }
    orders said() { return number_of<orders>(object_->find_map(".bss")->lookup(key(0)).value()); }
    void say(const orders &o) {
        ASSERT_TRUE(object_->find_map(".bss")->update(key(0), bytes_of(o)));
    }
    void then(uint64_t again) {
        orders o = said();
        o.again = again;
        say(o);
    }
    /// A timer that is due after so many nanoseconds.
    void arm(uint32_t k, uint64_t nanoseconds) {
        ASSERT_EQ(tell(init, k, 0, 1), 0);
        ASSERT_EQ(tell(set_callback, k), 0);
        ASSERT_EQ(tell(start, k, nanoseconds), 0);
    }
    std::size_t run_at(int64_t monotonic) {
        now_[timer_clock::monotonic] = monotonic;
        const timer_runs runs = object_->run_timers();
        EXPECT_EQ(runs.faulted, 0U);
        return runs.ran;
    }
    uint64_t count(uint32_t k) { return number_of(map_->lookup(key(k)).value()); }
    uint64_t order(uint32_t k) { return number_of(map_->lookup(key(k)).value(), 24); }

    std::map<timer_clock, int64_t> now_;
    std::optional<loaded_object> object_;
    std::shared_ptr<map> map_;
};

INSTANTIATE_TEST_SUITE_P(engines, timers, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(timers, call_when_they_are_due) {
    for (const char *const type : {"1", "2", "9"}) {
        load(type);
        now_[timer_clock::monotonic] = 1000;
        arm(0, 50);
        arm(2, 20);
        EXPECT_EQ(object_->next_timer(), 20U);
        EXPECT_EQ(run_at(1019), 0U);
        EXPECT_EQ(run_at(1020), 1U);
        EXPECT_EQ(count(2), 1U);
        EXPECT_EQ(count(0), 0U);
        EXPECT_EQ(object_->next_timer(), 30U);
        EXPECT_EQ(run_at(5000), 1U);
        EXPECT_EQ(count(0), 1U);
        EXPECT_EQ(object_->next_timer(), std::nullopt);
        EXPECT_EQ(run_at(6000), 0U);
        ASSERT_EQ(tell(start, 0, 5), 0);  // once more
        EXPECT_EQ(run_at(6005), 1U);
        EXPECT_EQ(count(0), 2U);
        EXPECT_EQ(said().result, 0);
    }
}

TEST_P(timers, call_in_the_order_in_which_they_became_due) {
    load("1");
    arm(0, 30);
    arm(1, 10);
    arm(2, 20);
    EXPECT_EQ(run_at(30), 3U);
    EXPECT_EQ(order(1), 11U);
    EXPECT_EQ(order(2), 22U);
    EXPECT_EQ(order(0), 30U);
}

TEST_P(timers, give_the_kernel_s_errors) {
    load("1");
    EXPECT_EQ(tell(set_callback), -EINVAL);
    EXPECT_EQ(tell(start), -EINVAL);
    EXPECT_EQ(tell(cancel), -EINVAL);
    for (const uint64_t flags : {2U, 6U, 8U, 16U, 17U}) EXPECT_EQ(tell(init, 0, 0, flags), -EINVAL);
    EXPECT_EQ(tell(init), 0);
    EXPECT_EQ(tell(init), -EBUSY);
    EXPECT_EQ(tell(start), -EINVAL) << "without a function";
    EXPECT_EQ(tell(cancel), 0);
    EXPECT_EQ(tell(set_callback), 0);
    EXPECT_EQ(tell(start, 0, 5, 4), -EINVAL);
    EXPECT_EQ(tell(start, 0, 5), 0);
    EXPECT_EQ(tell(cancel), 1);
    EXPECT_EQ(tell(start, 0, 5), -EINVAL) << "the function is gone";
    EXPECT_EQ(run_at(100), 0U);
}

TEST_P(timers, have_their_own_clock) {
    load("1");
    for (const uint32_t k : {0U, 1U, 2U}) {
        ASSERT_EQ(tell(init, k, 0, k == 2 ? 7 : k), 0);
        ASSERT_EQ(tell(set_callback, k), 0);
        ASSERT_EQ(tell(start, k, 100, 1 | 2), 0);  // a time
    }
    now_ = {{timer_clock::realtime, 99}, {timer_clock::boottime, 100}};
    EXPECT_EQ(run_at(0), 1U);
    EXPECT_EQ(count(2), 1U);
    now_[timer_clock::realtime] = 100;
    EXPECT_EQ(run_at(0), 1U);
    EXPECT_EQ(count(0), 1U);
    EXPECT_EQ(run_at(100), 1U);
}

TEST_P(timers, take_any_time) {
    load("1");
    now_[timer_clock::monotonic] = 1000;
    arm(0, std::numeric_limits<uint64_t>::max());  // in the past
    arm(1, std::numeric_limits<int64_t>::max());
    arm(2, uint64_t{1} << 63);
    EXPECT_EQ(run_at(1000), 2U);
    EXPECT_EQ(run_at(std::numeric_limits<int64_t>::max()), 1U);
    now_[timer_clock::monotonic] = std::numeric_limits<int64_t>::min();
    ASSERT_EQ(tell(start, 0, std::numeric_limits<int64_t>::max(), 1), 0);
    EXPECT_EQ(object_->next_timer(), std::numeric_limits<uint64_t>::max());
}

TEST_P(timers, that_start_themselves_anew_wait_for_the_next_call) {
    load("1");
    arm(0, 0);
    then(1);
    for (uint64_t i = 1; i < 5; ++i) {
        EXPECT_EQ(run_at(1000), 1U);
        EXPECT_EQ(count(0), i);
    }
}

TEST_P(timers, cannot_cancel_themselves_while_they_run) {
    load("1");
    arm(0, 0);
    then(2);
    EXPECT_EQ(run_at(0), 1U);
    EXPECT_EQ(said().result, -EDEADLK);
    then(0);
    EXPECT_EQ(tell(start, 0, 0), 0) << "it still has its function";
}

TEST_P(timers, are_gone_with_their_values) {
    load("1");
    arm(0, 10);
    arm(1, 10);
    arm(2, 10);
    ASSERT_TRUE(map_->remove(key(0)));
    put(1);
    EXPECT_EQ(run_at(10), 1U);
    EXPECT_EQ(count(2), 1U);
    put(0);
    EXPECT_EQ(tell(start, 0), -EINVAL);
    EXPECT_EQ(tell(init, 0), 0);
    EXPECT_EQ(tell(start, 1), -EINVAL);
    arm(1, 10);
    then(3);  // the callback deletes its own value
    EXPECT_EQ(run_at(100), 1U);
    EXPECT_EQ(said().result, 0);
    EXPECT_EQ(errno_of(map_->lookup(key(1))), ENOENT);
}

TEST_P(timers, in_arrays_are_gone_when_the_value_is_updated) {
    load("2");
    arm(1, 10);
    ASSERT_EQ(errno_of(map_->update(key(1), bytes(32))), 0);
    EXPECT_EQ(run_at(10), 0U);
    EXPECT_EQ(tell(cancel, 1), -EINVAL);
}

TEST_P(timers, of_values_that_were_forgotten_are_gone) {
    load("9");
    arm(0, 10);
    for (uint32_t k = 100; k < 200; ++k) put(k);
    EXPECT_EQ(run_at(10), 0U);
}

TEST_P(timers, call_the_function_that_was_set_last) {
    load("1");
    arm(0, 10);
    ASSERT_EQ(tell(set_other), 0);
    EXPECT_EQ(run_at(10), 1U);
    EXPECT_EQ(count(0), 100U);
}

// --- hostile programs

TEST_P(timers, are_where_the_type_of_the_value_has_one) {
    load("1");
    EXPECT_EQ(tell(init_odd), -EINVAL);
    EXPECT_EQ(tell(init_count), -EINVAL);
    EXPECT_EQ(tell(init_local), -EINVAL);
}

TEST_P(timers, are_memory_of_the_program) {
    const loaded_object object = object_test::load(std::string{timer_prologue} + R"(
SEC("socket") int g(void *ctx) { return timer_cancel((void *)4096); }
)");
    EXPECT_EQ(fault(object, "g"), fault_kind::out_of_bounds_write);
}

TEST_P(timers, are_of_the_map_that_they_are_in) {
    EXPECT_EQ(run(object_test::load(std::string{timer_prologue} + R"(
struct { __uint(type, 2); __uint(max_entries, 4); __type(key, u32); __type(value, struct element); } others SEC(".maps");
struct { __uint(type, 2); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } plain SEC(".maps");
SEC("socket") int g(void *ctx) {
    struct element *e = lookup(&others, &(u32){1});
    if (!e) return 1;
    return timer_init(&e->timer, &timers, 0) == -22 && timer_init(&e->timer, &plain, 0) == -22 &&
           timer_init(&e->timer, &others, 0) == 0;
}
)"),
                  "g"),
              1);
}

/// The callback's faults are counted; the timer waits no more.
TEST_P(timers, whose_callback_faults_end) {
    for (const uint64_t again : {4U, 5U, 6U, 7U}) {
        load("1");
        ASSERT_EQ(
            object_->find_program("f")->vm->set_limit(compat::vm_limit::instructions, 100'000), 0);
        arm(0, 0);
        arm(1, 0);
        then(again);
        const timer_runs runs = object_->run_timers();
        EXPECT_EQ(runs.ran, 0U);
        EXPECT_EQ(runs.faulted, 2U);
        const fault_kind expected = again == 4   ? fault_kind::instruction_limit
                                    : again == 7 ? fault_kind::read_only_write
                                                 : fault_kind::out_of_bounds_read;
        EXPECT_EQ(compat::last_fault().kind, expected);
        EXPECT_EQ(object_->next_timer(), std::nullopt);
    }
}

TEST_P(timers, whose_callback_is_no_function_fault) {
    load("1");
    ASSERT_EQ(tell(init), 0);
    ASSERT_EQ(tell(set_forged), 0);
    ASSERT_EQ(tell(start), 0);
    EXPECT_EQ(object_->run_timers().faulted, 1U);
    EXPECT_EQ(compat::last_fault().kind, fault_kind::bad_call_target);
}

TEST_P(timers, of_an_object_that_is_gone_do_nothing) {
    load("1");
    arm(0, 10);
    const std::shared_ptr<map> kept = map_;
    object_.reset();
    EXPECT_EQ(errno_of(kept->remove(key(0))), 0);
}

TEST_P(timers, of_an_object_that_ends_while_another_one_calls_them_finish) {
    ebpf_helper end{};
    end.id = 1000;
    end.name = "end_object";
    end.context = &object_;
    end.ctx_fn = [](void *object, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
        static_cast<std::optional<loaded_object> *>(object)->reset();
        return 0;
    };
    const auto load_with = [&](std::map<uint32_t, std::shared_ptr<map>> maps) {
        return object_test::load(
            "#define MAY_END\n" + std::string{timer_prologue},
            {.helpers = {end}, .maps = std::move(maps), .clock = [](timer_clock) { return 0; }});
    };
    object_.emplace(load_with({}));
    map_ = object_->find_map("timers");
    uint32_t index = 0;
    while (object_->maps()[index] != map_) ++index;
    const loaded_object other = load_with({{index, map_}});
    put(0);
    arm(0, 0);
    then(8);
    const timer_runs runs = other.run_timers();
    EXPECT_EQ(runs.ran, 1U);
    EXPECT_EQ(runs.faulted, 0U);
    EXPECT_FALSE(object_);
    EXPECT_EQ(count(0), 2U);
    EXPECT_EQ(other.run_timers().ran, 0U);
}

TEST_P(timers, are_started_stopped_deleted_and_run_by_many_threads) {
    const loaded_object object =
        object_test::load(std::string{timer_prologue} + R"(
static u32 (*random)(void) = (void *)7;
SEC("socket") int g(void *ctx) {
    for (int i = 0; i < 1000; ++i) {
        u32 key = random() % 6;
        struct element fresh = {0};
        struct element *e = lookup(&timers, &key);
        if (!e) {
            update(&timers, &key, &fresh, 0);
            continue;
        }
        switch (random() % 8) {
        case 0: delete(&timers, &key); break;
        case 1: update(&timers, &key, &fresh, 0); break;
        case 2: timer_cancel(&e->timer); break;
        case 3: timer_init(&e->timer, &timers, 1); break;
        case 4: timer_set_callback(&e->timer, other); break;
        default: timer_start(&e->timer, 0, 0);
        }
    }
    return 0;
}
)",
                          {.clock = [](timer_clock) { return int64_t{5}; }});
    std::atomic<std::size_t> ran = 0;
    vm::test::on_all_threads([&](unsigned thread) {
        for (int i = 0; i < 20; ++i) {
            if (thread % 2 == 0) {
                EXPECT_EQ(run(object, "g"), 0);
            }
            const timer_runs runs = object.run_timers();
            EXPECT_EQ(runs.faulted, 0U);
            ran += runs.ran;
        }
    });
    EXPECT_GT(ran, 0U);
}

TEST_P(timers, go_by_the_system_s_clock_if_the_host_has_none) {
    object_.emplace(object_test::load(timer_prologue));
    map_ = object_->find_map("timers");
    put(0);
    ASSERT_EQ(tell(init, 0, 0, 1), 0);
    ASSERT_EQ(tell(set_callback), 0);
    ASSERT_EQ(tell(start, 0, 3'600'000'000'000), 0);
    EXPECT_EQ(object_->run_timers().ran, 0U);
    EXPECT_GT(object_->next_timer(), 1'000'000'000U);
    ASSERT_EQ(tell(start, 0, 0), 0);
    EXPECT_EQ(object_->run_timers().ran, 1U);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
