// bpftime-vm: maps in C
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <poll.h>

#include <array>
#include <cstring>
#include <numeric>
#include <thread>

namespace runtime_c_api {

namespace {

TEST(maps, have_entries) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_HASH, 2));
    const uint32_t key = 1;
    uint64_t value = 0;
    const auto lookup = [&] {
        return ebpf_map_lookup_elem(map.get(), &key, sizeof key, &value, sizeof value, 0);
    };
    EXPECT_FAILS(lookup(), EBPF_ERROR_NOT_FOUND, ENOENT, "there is no such entry (ENOENT)");
    EXPECT_EQ(update(map.get(), 1, 10), 0);
    EXPECT_FAILS(update(map.get(), 1, 11, EBPF_UPDATE_NOEXIST), EBPF_ERROR_ALREADY_EXISTS, EEXIST,
                 "the entry is there already");
    EXPECT_EQ(lookup(), 0);
    EXPECT_EQ(value, 10U);
    EXPECT_EQ(update(map.get(), 2, 20), 0);
    EXPECT_FAILS(update(map.get(), 3, 30), EBPF_ERROR_LIMIT_EXCEEDED, E2BIG, "full");
    EXPECT_EQ(ebpf_map_lookup_and_delete_elem(map.get(), &key, sizeof key, &value, sizeof value, 0),
              0);
    EXPECT_EQ(value, 10U);
    EXPECT_FAILS(ebpf_map_delete_elem(map.get(), &key, sizeof key), EBPF_ERROR_NOT_FOUND, ENOENT,
                 "ENOENT");
}

TEST(maps, give_their_keys) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_ARRAY, 3));
    std::vector<uint32_t> keys;
    uint32_t key = 0;
    int more = ebpf_map_get_next_key(map.get(), nullptr, &key, sizeof key);
    for (; more == 0; more = ebpf_map_get_next_key(map.get(), &key, &key, sizeof key))
        keys.push_back(key);
    EXPECT_EQ(more, EBPF_ERROR_NOT_FOUND);
    EXPECT_EQ(keys, (std::vector<uint32_t>{0, 1, 2}));
}

TEST(maps, give_and_take_batches) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_HASH, 100));
    std::array<uint32_t, 100> keys{};
    std::array<uint64_t, 100> values{};
    std::iota(keys.begin(), keys.end(), 0U);
    std::iota(values.begin(), values.end(), 1000U);
    ASSERT_EQ(ebpf_map_update_batch(map.get(), keys.data(), values.data(), 100, 0), 0);
    uint32_t cursor = 0;
    uint64_t sum = 0;
    std::size_t all = 0;
    for (int more = 1, calls = 0; more == 1; ++calls) {
        std::array<uint32_t, 7> some_keys{};
        std::array<uint64_t, 7> some_values{};
        std::size_t count = some_keys.size();
        more = ebpf_map_lookup_batch(map.get(), calls == 0 ? nullptr : &cursor, &cursor,
                                     some_keys.data(), some_values.data(), &count);
        ASSERT_GE(more, 0) << ebpf_last_error();
        all += count;
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(some_values[i], 1000 + some_keys[i]);
            sum += some_values[i];
        }
    }
    EXPECT_EQ(all, 100U);
    EXPECT_EQ(sum, 100U * 1000 + 4950);
    ASSERT_EQ(ebpf_map_delete_batch(map.get(), keys.data(), 40), 0);
    std::size_t count = 100;
    ASSERT_EQ(ebpf_map_lookup_and_delete_batch(map.get(), keys.data(), values.data(), &count), 0);
    EXPECT_EQ(count, 60U);
    count = 100;
    ASSERT_EQ(ebpf_map_lookup_and_delete_batch(map.get(), keys.data(), values.data(), &count), 0);
    EXPECT_EQ(count, 0U);
}

TEST(maps, have_a_value_for_each_cpu) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_PERCPU_ARRAY, 2));
    EXPECT_EQ(info_of(map.get()).value_size, 8U);
    ASSERT_EQ(info_of(map.get()).host_value_size, std::size_t{8} * ebpf_cpu_count());
    std::vector<uint64_t> values(ebpf_cpu_count());
    std::iota(values.begin(), values.end(), 7U);
    const uint32_t key = 1;
    const std::size_t size = 8 * values.size();
    ASSERT_EQ(ebpf_map_update_elem(map.get(), &key, sizeof key, values.data(), size, 0), 0);
    std::vector<uint64_t> found(values.size());
    ASSERT_EQ(ebpf_map_lookup_elem(map.get(), &key, sizeof key, found.data(), size, 0), 0);
    EXPECT_EQ(found, values);
}

TEST(maps, count_threads_as_cpus) {
    const uint32_t cpu = ebpf_current_cpu();
    EXPECT_LT(cpu, ebpf_cpu_count());
    EXPECT_EQ(ebpf_current_cpu(), cpu);
}

TEST(maps, hold_control_groups) {
    auto d = define(EBPF_MAP_TYPE_CGROUP_ARRAY, 2);
    d.value_size = 4;
    const map_ptr groups = create(d);
    EXPECT_EQ(ebpf_map_set_cgroup(groups.get(), 1, 44), 0) << ebpf_last_error();
    EXPECT_FAILS(ebpf_map_set_cgroup(groups.get(), 2, 44), EBPF_ERROR_LIMIT_EXCEEDED, E2BIG, "");
    const uint32_t key = 1;
    EXPECT_EQ(ebpf_map_delete_elem(groups.get(), &key, sizeof key), 0);
    EXPECT_FAILS(ebpf_map_delete_elem(groups.get(), &key, sizeof key), EBPF_ERROR_NOT_FOUND, ENOENT,
                 "");
    const map_ptr array = create(define(EBPF_MAP_TYPE_ARRAY, 1));
    EXPECT_FAILS(ebpf_map_set_cgroup(array.get(), 0, 1), EBPF_ERROR_UNSUPPORTED, EOPNOTSUPP,
                 "not an array of control groups");
}

TEST(maps, tell_what_they_are) {
    auto d = define(EBPF_MAP_TYPE_LRU_HASH, 5);
    d.flags = 16;  // BPF_F_WRONLY
    const map_ptr map = create(d);
    const auto info = info_of(map.get());
    EXPECT_STREQ(info.name, "test");
    EXPECT_STREQ(info.type_name, "lru_hash");
    EXPECT_EQ(info.type, uint32_t{EBPF_MAP_TYPE_LRU_HASH});
    EXPECT_EQ(info.key_size, 4U);
    EXPECT_EQ(info.value_size, 8U);
    EXPECT_EQ(info.max_entries, 5U);
    EXPECT_EQ(info.flags, 16U);
    EXPECT_NE(info.id, 0U);
    EXPECT_NE(info.id, info_of(create(d).get()).id);
    EXPECT_EQ(info.is_section, 0U);
}

TEST(maps, are_frozen) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_ARRAY, 2));
    EXPECT_EQ(ebpf_map_freeze(map.get()), 0);
    EXPECT_FAILS(update(map.get(), 0, 1), EBPF_ERROR_INVALID_ARGUMENT, EPERM, "frozen");
    EXPECT_FAILS(ebpf_map_freeze(map.get()), EBPF_ERROR_INVALID_ARGUMENT, EPERM, "EPERM");
    EXPECT_EQ(value_of(map.get(), 0), 0U);
}

TEST(maps, live_as_long_as_a_handle) {
    map_ptr first = create(define(EBPF_MAP_TYPE_ARRAY, 2));
    const map_ptr second{ebpf_map_dup(first.get())};
    EXPECT_EQ(update(first.get(), 1, 5), 0);
    first.reset();
    EXPECT_EQ(value_of(second.get(), 1), 5U);
}

TEST(maps_without_keys, queue_values) {
    auto d = define(EBPF_MAP_TYPE_QUEUE, 2);
    d.key_size = 0;
    const map_ptr map = create(d);
    for (uint64_t value : {1U, 2U}) EXPECT_EQ(ebpf_map_push_elem(map.get(), &value, 8, 0), 0);
    uint64_t value = 3;
    EXPECT_FAILS(ebpf_map_push_elem(map.get(), &value, 8, 0), EBPF_ERROR_LIMIT_EXCEEDED, E2BIG, "");
    EXPECT_EQ(ebpf_map_push_elem(map.get(), &value, 8, EBPF_UPDATE_EXIST), 0);
    EXPECT_EQ(ebpf_map_peek_elem(map.get(), &value, 8), 0);
    EXPECT_EQ(value, 2U);
    EXPECT_EQ(ebpf_map_pop_elem(map.get(), &value, 8), 0);
    EXPECT_EQ(value, 2U);
    EXPECT_EQ(ebpf_map_pop_elem(map.get(), &value, 8), 0);
    EXPECT_FAILS(ebpf_map_pop_elem(map.get(), &value, 8), EBPF_ERROR_NOT_FOUND, ENOENT, "");
    EXPECT_FAILS(ebpf_map_pop_elem(map.get(), &value, 4), EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "");
    const map_ptr array = create(define(EBPF_MAP_TYPE_ARRAY, 2));
    EXPECT_FAILS(ebpf_map_pop_elem(array.get(), &value, 8), EBPF_ERROR_UNSUPPORTED, EOPNOTSUPP,
                 "map 'test' is a array, not a queue, a stack or a Bloom filter");
    auto ring = define(EBPF_MAP_TYPE_USER_RINGBUF, 4096);
    ring.key_size = ring.value_size = 0;
    const map_ptr samples = create(ring);
    EXPECT_FAILS(ebpf_map_push_elem(samples.get(), &value, 8, 0), EBPF_ERROR_UNSUPPORTED,
                 EOPNOTSUPP, "is a user_ringbuf, not a queue");
}

TEST(maps_without_keys, filter_values) {
    auto d = define(EBPF_MAP_TYPE_BLOOM_FILTER, 10);
    d.key_size = 0;
    d.map_extra = 3;
    const map_ptr map = create(d);
    uint64_t value = 7;
    EXPECT_FAILS(ebpf_map_peek_elem(map.get(), &value, 8), EBPF_ERROR_NOT_FOUND, ENOENT, "");
    EXPECT_EQ(ebpf_map_push_elem(map.get(), &value, 8, 0), 0);
    EXPECT_EQ(ebpf_map_peek_elem(map.get(), &value, 8), 0);
}

TEST(arenas, give_their_pages) {
    ebpf_map_definition definition = define(EBPF_MAP_TYPE_ARENA, 4);
    definition.key_size = definition.value_size = 0;
    definition.flags = 1 << 10;  // BPF_F_MMAPABLE
    definition.map_extra = uint64_t{1} << 44;
    const map_ptr map = create(definition);
    std::size_t size = 0;
    auto *const begin = static_cast<uint8_t *>(ebpf_map_arena(map.get(), &size));
    ASSERT_NE(begin, nullptr);
    EXPECT_EQ(reinterpret_cast<uint64_t>(begin) & 0xffff'ffff, 0U);
    const std::size_t page = size / 4;
    EXPECT_EQ(ebpf_map_arena_touch(map.get(), page + 3, 5), begin + page + 3);
    EXPECT_FAILS(ebpf_map_arena_touch(map.get(), size - 4, 5), nullptr, ENOMEM, "cannot be there");
    const map_ptr array = create(define(EBPF_MAP_TYPE_ARRAY, 1));
    EXPECT_FAILS(ebpf_map_arena(array.get(), &size), nullptr, EOPNOTSUPP, "not an arena");
    EXPECT_FAILS(ebpf_map_arena_touch(array.get(), 0, 1), nullptr, EOPNOTSUPP, "not an arena");
}

TEST(maps_of_maps, hold_maps_like_one) {
    const map_ptr like = create(define(EBPF_MAP_TYPE_ARRAY, 1));
    auto d = define(EBPF_MAP_TYPE_HASH_OF_MAPS, 4);
    d.value_size = 4;
    EXPECT_FAILS(ebpf_map_create(&d), nullptr, EBADF, "needs an inner map");
    d.inner = like.get();
    const map_ptr outer = create(d);
    const map_ptr inner = create(define(EBPF_MAP_TYPE_ARRAY, 1));
    const uint32_t key = 9;
    ASSERT_EQ(ebpf_map_set_map(outer.get(), &key, sizeof key, inner.get(), 0), 0);
    uint32_t id = 0;
    EXPECT_EQ(ebpf_map_lookup_elem(outer.get(), &key, sizeof key, &id, sizeof id, 0), 0);
    EXPECT_EQ(id, info_of(inner.get()).id);
    EXPECT_FAILS(ebpf_map_update_elem(outer.get(), &key, sizeof key, &id, sizeof id, 0),
                 EBPF_ERROR_INVALID_ARGUMENT, EBADF, "give the map the object");
    const map_ptr other = create(define(EBPF_MAP_TYPE_HASH, 1));
    EXPECT_FAILS(ebpf_map_set_map(outer.get(), &key, sizeof key, other.get(), 0),
                 EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "");
    EXPECT_FAILS(ebpf_map_set_map(inner.get(), &key, sizeof key, other.get(), 0),
                 EBPF_ERROR_UNSUPPORTED, EOPNOTSUPP, "map 'test' is a array, not a map of maps");
    EXPECT_EQ(ebpf_map_delete_elem(outer.get(), &key, sizeof key), 0);
}

// --- records

constexpr std::string_view senders = R"(
struct { __uint(type, 27); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, 4); __uint(key_size, 4); __uint(value_size, 4); } events SEC(".maps");
SEC("raw_tp") int send(u64 *ctx) { return output(&ring, ctx, 8, 0); }
SEC("xdp") int see(void *ctx) { u64 record = 9; return send_event(ctx, &events, 0xffffffff, &record, 8); }
)";

struct record_list {
    std::vector<uint64_t> all;
    std::size_t most = 100;

    static int take(void *context, const void *record, size_t size) {
        auto &list = *static_cast<record_list *>(context);
        EXPECT_EQ(size, sizeof(uint64_t));
        uint64_t word = 0;
        std::memcpy(&word, record, sizeof word);
        list.all.push_back(word);
        return list.all.size() < list.most ? 0 : 1;
    }
};

class records : public on_engines {
protected:
    static void send(const object_ptr &object, uint64_t number) {
        ASSERT_EQ(
            ebpf_program_run(ebpf_object_find_program(object.get(), "send"), &number, 8, nullptr),
            0)
            << ebpf_last_error();
    }
};
ON_ENGINES(records);

TEST_P(records, come_from_ring_buffers) {
    const object_ptr object = load(senders);
    ebpf_map *const ring = ebpf_object_find_map(object.get(), "ring");
    for (uint64_t i = 1; i <= 3; ++i) send(object, i);
    record_list list{.all = {}, .most = 2};
    EXPECT_EQ(ebpf_map_consume(ring, &record_list::take, &list), 2);
    EXPECT_EQ(ebpf_map_poll(ring, &record_list::take, &list, -1), 1);
    EXPECT_EQ(list.all, (std::vector<uint64_t>{1, 2, 3}));
    EXPECT_EQ(ebpf_map_poll(ring, &record_list::take, &list, 0), 0);
}

TEST_P(records, are_waited_for) {
    const object_ptr object = load(senders);
    ebpf_map *const ring = ebpf_object_find_map(object.get(), "ring");
    record_list list;
    std::thread consumer{[&] { EXPECT_EQ(ebpf_map_poll(ring, &record_list::take, &list, -1), 1); }};
    send(object, 5);
    consumer.join();
    EXPECT_EQ(list.all, std::vector<uint64_t>{5});
    std::thread waiter{[&] { EXPECT_EQ(ebpf_map_poll(ring, &record_list::take, &list, -1), 0); }};
    EXPECT_EQ(ebpf_map_wake(ring), 0);
    waiter.join();
}

TEST_P(records, make_a_descriptor_readable) {
    const object_ptr object = load(senders);
    ebpf_map *const ring = ebpf_object_find_map(object.get(), "ring");
    pollfd event{ebpf_map_event_fd(ring), POLLIN, 0};
    ASSERT_GE(event.fd, 0);
    EXPECT_EQ(poll(&event, 1, 0), 0);
    send(object, 6);
    EXPECT_EQ(poll(&event, 1, -1), 1);
    record_list list;
    EXPECT_EQ(ebpf_map_consume(ring, &record_list::take, &list), 1);
    EXPECT_EQ(poll(&event, 1, 0), 0);
}

TEST_P(records, are_seen_in_memory) {
    const object_ptr object = load(senders);
    ebpf_map *const ring = ebpf_object_find_map(object.get(), "ring");
    const auto query = [&](uint32_t what) {
        uint64_t value = 99;
        EXPECT_EQ(ebpf_map_ring_query(ring, what, &value), 0) << ebpf_last_error();
        return value;
    };
    const uint64_t bytes = query(EBPF_RING_SIZE);
    EXPECT_EQ(bytes, info_of(ring).max_entries);
    send(object, 5);
    EXPECT_EQ(query(EBPF_RING_AVAILABLE), 16U);
    EXPECT_EQ(query(EBPF_RING_PRODUCER), 16U);
    EXPECT_EQ(query(EBPF_RING_CONSUMER), 0U);
    void *memory = nullptr;
    std::size_t size = 0;
    ASSERT_EQ(ebpf_map_ring_memory(ring, &memory, &size), 0) << ebpf_last_error();
    ASSERT_GE(size, bytes + 2 * 4096);
    const auto *const words = static_cast<const uint64_t *>(memory);
    EXPECT_EQ(words[4096 / 8], 16U) << "the producer's position";
    EXPECT_EQ(words[2 * 4096 / 8 + 1], 5U) << "the record behind its header";
    uint64_t value = 0;
    EXPECT_FAILS(ebpf_map_ring_query(ring, 4, &value), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "there is no query 4");
    const map_ptr array = create(define(EBPF_MAP_TYPE_ARRAY, 1));
    EXPECT_FAILS(ebpf_map_ring_memory(array.get(), &memory, &size), EBPF_ERROR_UNSUPPORTED,
                 EOPNOTSUPP, "map 'test' is a array, not a ring buffer");
}

TEST_P(records, come_from_perf_events) {
    const object_ptr object = load(senders);
    ebpf_map *const events = ebpf_object_find_map(object.get(), "events");
    const map_ptr ring{ebpf_map_collect_events(events, 4096)};
    ASSERT_NE(ring, nullptr) << ebpf_last_error();
    std::array<uint8_t, 64> frame{};
    auto packet = sized<ebpf_packet>();
    packet.frame = frame.data();
    packet.frame_size = frame.size();
    ASSERT_EQ(ebpf_program_run_packet(ebpf_object_find_program(object.get(), "see"), &packet), 0)
        << ebpf_last_error();
    EXPECT_EQ(packet.verdict, 0U);
    record_list list;
    EXPECT_EQ(ebpf_map_consume(ring.get(), &record_list::take, &list), 1);
    EXPECT_EQ(list.all, std::vector<uint64_t>{9});
    EXPECT_FAILS(ebpf_map_collect_events(ring.get(), 4096), nullptr, EOPNOTSUPP,
                 "map 'events' is a ringbuf, not an array of perf events");
    EXPECT_FAILS(ebpf_map_collect_events(events, 5), nullptr, EINVAL, "");
}

TEST_P(records, go_to_programs) {
    const object_ptr object = load(R"(
struct { __uint(type, 31); __uint(max_entries, 4096); } samples SEC(".maps");
static long (*drain)(void *map, void *fn, void *ctx, u64 flags) = (void *)209;
static long (*read)(void *to, u32 size, void *dynptr, u32 offset, u64 flags) = (void *)201;
u64 sum;
static long take(void *dynptr, void *ctx) {
    u64 sample = 0;
    read(&sample, sizeof sample, dynptr, 0, 0);
    sum += sample;
    return 0;
}
SEC("raw_tp") int all(void *ctx) { return drain(&samples, take, 0, 0); }
)");
    ebpf_map *const samples = ebpf_object_find_map(object.get(), "samples");
    for (uint64_t sample : {40U, 2U})
        ASSERT_EQ(ebpf_map_output(samples, &sample, sizeof sample), 0) << ebpf_last_error();
    EXPECT_EQ(run(object, "all"), 2);
    uint64_t sum = 0;
    ASSERT_EQ(ebpf_object_get_global(object.get(), "sum", &sum, sizeof sum), 0);
    EXPECT_EQ(sum, 42U);
    for (const uint64_t sample : {100U, 8U}) {
        auto *const place = static_cast<uint64_t *>(ebpf_map_reserve(samples, sizeof sample));
        ASSERT_NE(place, nullptr) << ebpf_last_error();
        *place = sample;
        const auto finish = sample == 8 ? ebpf_map_submit : ebpf_map_discard;
        EXPECT_EQ(finish(samples, place), 0);
    }
    EXPECT_EQ(run(object, "all"), 1);
    ASSERT_EQ(ebpf_object_get_global(object.get(), "sum", &sum, sizeof sum), 0);
    EXPECT_EQ(sum, 50U) << "what was discarded does not count";
    pollfd event{ebpf_map_event_fd(samples), POLLIN, 0};
    EXPECT_EQ(poll(&event, 1, 0), 1);
    const bytes large(5000);
    EXPECT_FAILS(ebpf_map_output(samples, large.data(), large.size()), EBPF_ERROR_LIMIT_EXCEEDED,
                 E2BIG, "map 'samples' has no room for 5000 bytes");
    ASSERT_EQ(ebpf_map_output(samples, large.data(), 4000), 0);
    EXPECT_FAILS(ebpf_map_output(samples, large.data(), 4000), EBPF_ERROR_LIMIT_EXCEEDED, ENOSPC,
                 "map 'samples' has no room for 4000 bytes now");
    EXPECT_FAILS(ebpf_map_reserve(samples, 4000), nullptr, ENOSPC, "no room for 4000 bytes now");
    EXPECT_FAILS(ebpf_map_reserve(samples, 4089), nullptr, E2BIG, "no room for 4089 bytes");
    EXPECT_FAILS(ebpf_map_output(samples, nullptr, 8), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "sample is NULL");
    const map_ptr array = create(define(EBPF_MAP_TYPE_ARRAY, 1));
    EXPECT_FAILS(ebpf_map_output(array.get(), large.data(), 8), EBPF_ERROR_UNSUPPORTED, EOPNOTSUPP,
                 "not a user ring buffer");
}

}  // namespace

}  // namespace runtime_c_api
