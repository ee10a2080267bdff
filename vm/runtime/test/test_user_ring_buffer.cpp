// bpftime-vm: user ring buffers, and the programs that drain them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_program.hpp"
#include "runtime/ring_buffer.hpp"
#include "runtime/user_ring_buffer.hpp"
#include "threads.hpp"

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>

namespace bpftime::vm::runtime::test {

namespace {

using compat::fault_kind;

constexpr uint32_t ring_bytes = 4096;

/// Programs keep what they saw in `seen`.
constexpr std::string_view user_ring_prologue = R"(
static long (*read)(void *to, u32 size, const void *d, u32 offset, u64 flags) = (void *)201;
static long (*write)(const void *d, u32 offset, const void *from, u32 size, u64 flags) = (void *)202;
static void *(*data)(const void *d, u32 offset, u32 size) = (void *)203;
static long (*drain)(void *ring, void *fn, void *context, u64 flags) = (void *)209;
u32 bpf_dynptr_size(const void *d) __ksym;
struct { __uint(type, 31); __uint(max_entries, 4096); } ring SEC(".maps");
struct { u64 flags; u64 stop; u64 calls; u64 bytes; u64 sum; u64 other; } seen = {0};
)";

constexpr std::string_view summing = R"(
static long visit(void *d, u64 *context) {
    u32 size = bpf_dynptr_size(d);
    u8 byte = 0;
    seen.calls++;
    seen.bytes += size;
    if (size && !read(&byte, 1, d, size - 1, 0)) seen.sum = seen.sum * 10 + byte;
    *context += 1;
    return seen.calls == seen.stop;
}
SEC("socket") int f(void *ctx) {
    u64 context = 0;
    long n = drain(&ring, visit, &context, seen.flags);
    return n < 0 ? n : n * 100 + context;
}
)";

struct observed {
    uint64_t flags = 0;
    uint64_t stop = 0;
    uint64_t calls = 0;
    uint64_t bytes = 0;
    uint64_t sum = 0;
    uint64_t other = 0;
};

class user_ring : public object_test {
protected:
    static loaded_object load(std::string_view body) {
        return object_test::load(std::string{user_ring_prologue} + std::string{body});
    }
    static user_ring_buffer &ring_of(const loaded_object &object) {
        return *as_user_ring_buffer(object.find_map("ring").get());
    }
    static observed seen_by(const loaded_object &object) {
        return number_of<observed>(object.find_map(".bss")->lookup(key(0)).value());
    }
    static void set(const loaded_object &object, const observed &o) {
        ASSERT_TRUE(object.find_map(".bss")->update(key(0), bytes_of(o)));
    }
    static int send(const loaded_object &object, const bytes &sample) {
        return ring_of(object).output(sample);
    }
    static int32_t drain(const loaded_object &object) {
        return static_cast<int32_t>(run(object, "f"));
    }
    static std::atomic<uint64_t> &position(const loaded_object &object, bool of_producer) {
        const auto page = static_cast<std::size_t>(getpagesize());
        return *reinterpret_cast<std::atomic<uint64_t> *>(ring_of(object).memory().data() +
                                                          (of_producer ? page : 0));
    }
    static uint32_t &header(const loaded_object &object, std::size_t at) {
        const auto page = static_cast<std::size_t>(getpagesize());
        return *reinterpret_cast<uint32_t *>(ring_of(object).memory().data() + 2 * page + at);
    }
    static bool is_readable(const loaded_object &object) {
        pollfd event{ring_of(object).event_fd(), POLLIN, 0};
        return ::poll(&event, 1, 0) == 1;
    }
};

INSTANTIATE_TEST_SUITE_P(engines, user_ring, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(user_ring, hands_samples_over_in_order) {
    const loaded_object object = load(summing);
    EXPECT_EQ(drain(object), 0);
    ASSERT_EQ(send(object, {1}), 0);
    ASSERT_EQ(send(object, {0, 2, 3}), 0);
    ASSERT_EQ(send(object, bytes{}), 0);
    ASSERT_EQ(send(object, bytes(100, 4)), 0);
    EXPECT_EQ(drain(object), 404);
    EXPECT_EQ(seen_by(object).sum, 134U);
    EXPECT_EQ(seen_by(object).bytes, 104U);
    EXPECT_EQ(drain(object), 0);
}

TEST_P(user_ring, stops_where_the_callback_says) {
    const loaded_object object = load(summing);
    for (uint8_t i = 1; i < 6; ++i) ASSERT_EQ(send(object, {i}), 0);
    set(object, {.stop = 2});
    EXPECT_EQ(drain(object), 202);
    EXPECT_EQ(drain(object), 303);
    EXPECT_EQ(seen_by(object).sum, 12345U);
}

TEST_P(user_ring, skips_what_was_discarded_and_waits_for_what_is_reserved) {
    const loaded_object object = load(summing);
    user_ring_buffer &ring = ring_of(object);
    const auto first = ring.reserve(1);
    const auto second = ring.reserve(1);
    const auto third = ring.reserve(1);
    ASSERT_FALSE(third.empty());
    first[0] = second[0] = third[0] = 5;
    ring.discard(first.data());
    ring.submit(third.data());
    EXPECT_EQ(drain(object), 0);
    ring.submit(second.data());
    EXPECT_EQ(drain(object), 202);
    EXPECT_EQ(seen_by(object).sum, 55U);
}

TEST_P(user_ring, has_room_again_for_what_was_taken) {
    const loaded_object object = load(summing);
    EXPECT_EQ(send(object, bytes(ring_bytes - 8, 1)), 0);
    EXPECT_EQ(send(object, {1}), -ENOSPC);
    EXPECT_TRUE(ring_of(object).reserve(1).empty());
    EXPECT_EQ(send(object, bytes(ring_bytes - 7, 1)), -E2BIG);
    EXPECT_EQ(drain(object), 101);
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(send(object, bytes(1000, 1)), 0);  // some of them lie across the end
        ASSERT_EQ(drain(object), 101);
    }
    EXPECT_EQ(seen_by(object).bytes, ring_bytes - 8U + 20'000);
}

TEST_P(user_ring, wakes_the_producer_unless_told_not_to) {
    const loaded_object object = load(summing);
    EXPECT_EQ(drain(object), 0);
    EXPECT_FALSE(is_readable(object));
    set(object, {.flags = ring_no_wakeup});
    ASSERT_EQ(send(object, {1}), 0);
    EXPECT_EQ(drain(object), 101);
    EXPECT_FALSE(is_readable(object));
    set(object, {.flags = ring_force_wakeup});
    EXPECT_EQ(drain(object), 0);
    EXPECT_TRUE(is_readable(object));
    uint64_t signals = 0;
    ASSERT_EQ(read(ring_of(object).event_fd(), &signals, sizeof signals), 8);
    set(object, {.flags = 0});
    ASSERT_EQ(send(object, {1}), 0);
    EXPECT_EQ(drain(object), 101);
    EXPECT_TRUE(is_readable(object));
}

TEST_P(user_ring, knows_flags_and_maps) {
    const loaded_object object = load(summing);
    set(object, {.flags = 4});
    EXPECT_EQ(drain(object), -EINVAL);
    EXPECT_EQ(object_test::run(load(R"(
struct { __uint(type, 27); __uint(max_entries, 4096); } other SEC(".maps");
static long visit(void *d, void *context) { return 0; }
SEC("socket") int f(void *ctx) { return drain(&other, visit, 0, 0); }
)"),
                               "f") &
                  0xffff'ffff,
              0x1'0000'0000 - EINVAL);
    EXPECT_EQ(errno_of(object.find_map("ring")->update({}, {})), not_supported);
}

/// What is wrong is found, reported and left where it is.
TEST_P(user_ring, takes_no_samples_that_make_no_sense) {
    const loaded_object object = load(summing);
    ASSERT_EQ(send(object, {7}), 0);
    position(object, true) = 17;
    EXPECT_EQ(drain(object), -EINVAL);
    position(object, true) = 16;
    header(object, 0) = 9;  // longer than what was produced
    EXPECT_EQ(drain(object), -EINVAL);
    position(object, true) = ~uint64_t{7};
    header(object, 0) = ring_bytes;
    EXPECT_EQ(drain(object), -E2BIG);
    header(object, 0) = ring_buffer::most_record_bytes;
    EXPECT_EQ(drain(object), -E2BIG);
    header(object, 0) = ring_buffer::busy_bit | 1;
    EXPECT_EQ(drain(object), 0);
    position(object, false) = 12345;  // that of the consumer says nothing to it
    position(object, true) = 16;
    header(object, 0) = 1;
    EXPECT_EQ(drain(object), 101);
    EXPECT_EQ(seen_by(object).sum, 7U);
    position(object, true) = 8;  // before what was taken
    EXPECT_EQ(drain(object), 0);
}

/// A producer that says that there is more and more: the same 4 KiB over and over.
TEST_P(user_ring, ends_after_the_kernel_s_number_of_samples) {
    const loaded_object object = load(summing);
    position(object, true) = ~uint64_t{7};
    EXPECT_EQ(drain(object) % 100, (128 << 10) * 101 % 100);
    EXPECT_EQ(seen_by(object).calls, 128U << 10);
}

TEST_P(user_ring, samples_are_gone_after_the_callback) {
    constexpr std::string_view keeping = R"(
static void *kept;
static long visit(void *d, void *context) {
    kept = KEPT;
    return 0;
}
SEC("socket") int f(void *ctx) {
    drain(&ring, visit, 0, 0);
    return *(volatile u8 *)kept;
}
)";
    for (const char *const what : {"data(d, 0, 1)", "d"}) {
        const loaded_object object =
            load("#define KEPT " + std::string{what} + std::string{keeping});
        ASSERT_EQ(send(object, {1}), 0);
        EXPECT_EQ(fault(object, "f"), fault_kind::out_of_bounds_read) << what;
    }
}

TEST_P(user_ring, dynptrs_of_samples_cannot_be_written) {
    const loaded_object object = load(R"(
static long visit(u64 *d, void *context) {
    *d = 0;
    return 0;
}
SEC("socket") int f(void *ctx) { return drain(&ring, visit, 0, 0); }
)");
    ASSERT_EQ(send(object, {1}), 0);
    EXPECT_EQ(fault(object, "f"), fault_kind::read_only_write);
}

TEST_P(user_ring, samples_can_be_written_within_their_size) {
    const loaded_object object = load(R"(
static long visit(void *d, void *context) {
    u8 *sample = data(d, 0, 8);
    if (!sample || write(d, 1, "abc", 3, 0) || sample[3] != 'c') return 1;
    seen.other++;
    sample[seen.stop] = 1;
    return 0;
}
SEC("socket") int f(void *ctx) { return drain(&ring, visit, 0, 0); }
)");
    ASSERT_EQ(send(object, bytes(8)), 0);
    set(object, {.stop = 7});
    EXPECT_EQ(drain(object), 1);
    ASSERT_EQ(send(object, bytes(8)), 0);
    ASSERT_EQ(send(object, bytes(8)), 0);
    set(object, {.stop = 8});
    EXPECT_EQ(fault(object, "f"), fault_kind::out_of_bounds_write);
}

TEST_P(user_ring, is_drained_by_one_at_a_time) {
    const loaded_object object = load(R"(
static long inner(void *d, void *context) { return 0; }
static long visit(void *d, void *context) {
    seen.other = drain(&ring, inner, 0, 0);
    return 0;
}
SEC("socket") int f(void *ctx) { return drain(&ring, visit, 0, 0); }
)");
    ASSERT_EQ(send(object, {1}), 0);
    EXPECT_EQ(drain(object), 1);
    EXPECT_EQ(seen_by(object).other, static_cast<uint64_t>(-EBUSY));
    EXPECT_EQ(drain(object), 0);
}

TEST_P(user_ring, is_free_after_a_callback_that_faulted_or_did_not_end) {
    const loaded_object object = load(R"(
static long visit(void *d, void *context) {
    if (seen.stop == 1) return *(volatile long *)4096;
    while (seen.stop == 2) seen.calls++;
    return 0;
}
SEC("socket") int f(void *ctx) { return drain(&ring, visit, 0, 0); }
)");
    const auto &vm = object.find_program("f")->vm;
    ASSERT_EQ(vm->set_limit(compat::vm_limit::instructions, 1'000'000), 0);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(send(object, {1}), 0);
    set(object, {.stop = 1});
    EXPECT_EQ(fault(object, "f"), fault_kind::out_of_bounds_read);
    set(object, {.stop = 2});
    EXPECT_EQ(fault(object, "f"), fault_kind::instruction_limit);
    set(object, {.stop = 3});
    EXPECT_EQ(drain(object), 1);
}

TEST_P(user_ring, takes_samples_of_many_threads) {
    constexpr unsigned each = 500;
    const loaded_object object = load(summing);
    std::atomic<unsigned> producing = vm::test::thread_count - 1;
    vm::test::on_all_threads([&](unsigned thread) {
        if (thread == 0) {
            while (producing.load() != 0) EXPECT_GE(drain(object), 0);
            return;
        }
        for (unsigned i = 0; i < each; ++i) {
            while (send(object, bytes(thread, 0)) == -ENOSPC) sched_yield();
        }
        producing.fetch_sub(1);
    });
    drain(object);
    EXPECT_EQ(seen_by(object).calls, each * (vm::test::thread_count - 1));
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
