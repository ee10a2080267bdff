// bpftime-vm: arguments that are NULL or of wrong sizes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"
#include "ebpf-host.h"
#include "ebpf-network.h"

#include <array>
#include <cstddef>
#include <functional>

namespace runtime_c_api {

namespace {

uint64_t word = 0;
size_t some_count = 1;
int ignore(void *, const void *, size_t) { return 0; }

struct null_case {
    const char *function;
    const char *handle;
    std::function<int64_t()> call;
};

const auto null_cases = std::to_array<null_case>({
    {"ebpf_map_get_info", "map", [] { return ebpf_map_get_info(nullptr, nullptr); }},
    {"ebpf_map_lookup_elem", "map",
     [] { return ebpf_map_lookup_elem(nullptr, &word, 4, &word, 8, 0); }},
    {"ebpf_map_update_elem", "map",
     [] { return ebpf_map_update_elem(nullptr, &word, 4, &word, 8, 0); }},
    {"ebpf_map_delete_elem", "map", [] { return ebpf_map_delete_elem(nullptr, &word, 4); }},
    {"ebpf_map_lookup_and_delete_elem", "map",
     [] { return ebpf_map_lookup_and_delete_elem(nullptr, &word, 4, &word, 8, 0); }},
    {"ebpf_map_get_next_key", "map",
     [] { return ebpf_map_get_next_key(nullptr, &word, &word, 4); }},
    {"ebpf_map_push_elem", "map", [] { return ebpf_map_push_elem(nullptr, &word, 8, 0); }},
    {"ebpf_map_pop_elem", "map", [] { return ebpf_map_pop_elem(nullptr, &word, 8); }},
    {"ebpf_map_peek_elem", "map", [] { return ebpf_map_peek_elem(nullptr, &word, 8); }},
    {"ebpf_map_freeze", "map", [] { return ebpf_map_freeze(nullptr); }},
    {"ebpf_map_lookup_batch", "map",
     [] { return ebpf_map_lookup_batch(nullptr, nullptr, &word, &word, &word, &some_count); }},
    {"ebpf_map_lookup_and_delete_batch", "map",
     [] { return ebpf_map_lookup_and_delete_batch(nullptr, &word, &word, &some_count); }},
    {"ebpf_map_update_batch", "map",
     [] { return ebpf_map_update_batch(nullptr, &word, &word, 1, 0); }},
    {"ebpf_map_delete_batch", "map", [] { return ebpf_map_delete_batch(nullptr, &word, 1); }},
    {"ebpf_map_set_map", "map", [] { return ebpf_map_set_map(nullptr, &word, 4, nullptr, 0); }},
    {"ebpf_map_set_program", "map", [] { return ebpf_map_set_program(nullptr, 0, nullptr); }},
    {"ebpf_map_consume", "map", [] { return ebpf_map_consume(nullptr, ignore, nullptr); }},
    {"ebpf_map_poll", "map", [] { return ebpf_map_poll(nullptr, ignore, nullptr, 0); }},
    {"ebpf_map_wake", "map", [] { return ebpf_map_wake(nullptr); }},
    {"ebpf_map_event_fd", "map", [] { return ebpf_map_event_fd(nullptr); }},
    {"ebpf_map_load_json", "map", [] { return ebpf_map_load_json(nullptr, "{}"); }},
    {"ebpf_map_set_max_entries", "map", [] { return ebpf_map_set_max_entries(nullptr, 1); }},
    {"ebpf_map_set_autocreate", "map", [] { return ebpf_map_set_autocreate(nullptr, true); }},
    {"ebpf_map_reuse", "map", [] { return ebpf_map_reuse(nullptr, nullptr); }},
    {"ebpf_map_output", "map", [] { return ebpf_map_output(nullptr, &word, 8); }},
    {"ebpf_map_set_cgroup", "map", [] { return ebpf_map_set_cgroup(nullptr, 0, 1); }},
    {"ebpf_map_submit", "map", [] { return ebpf_map_submit(nullptr, &word); }},
    {"ebpf_map_discard", "map", [] { return ebpf_map_discard(nullptr, &word); }},
    {"ebpf_map_ring_query", "map", [] { return ebpf_map_ring_query(nullptr, 0, &word); }},
    {"ebpf_map_ring_memory", "map", [] { return ebpf_map_ring_memory(nullptr, nullptr, nullptr); }},
    {"ebpf_network_add_interface", "network",
     [] { return ebpf_network_add_interface(nullptr, nullptr); }},
    {"ebpf_network_add_route", "network", [] { return ebpf_network_add_route(nullptr, nullptr); }},
    {"ebpf_network_add_neighbour", "network",
     [] { return ebpf_network_add_neighbour(nullptr, nullptr); }},
    {"ebpf_network_add_socket", "network",
     [] { return ebpf_network_add_socket(nullptr, nullptr, nullptr); }},
    {"ebpf_network_load_json", "network", [] { return ebpf_network_load_json(nullptr, "{}"); }},
    {"ebpf_object_run_timers", "object", [] { return ebpf_object_run_timers(nullptr); }},
    {"ebpf_object_next_timer", "object", [] { return ebpf_object_next_timer(nullptr, &word); }},
    {"ebpf_object_load", "object", [] { return ebpf_object_load(nullptr, nullptr); }},
    {"ebpf_object_get_global_info", "object",
     [] { return ebpf_object_get_global_info(nullptr, "x", nullptr); }},
    {"ebpf_object_get_global", "object",
     [] { return ebpf_object_get_global(nullptr, "x", &word, 8); }},
    {"ebpf_object_set_global", "object",
     [] { return ebpf_object_set_global(nullptr, "x", &word, 8); }},
    {"ebpf_object_set_kconfig", "object",
     [] { return ebpf_object_set_kconfig(nullptr, "x", "y"); }},
    {"ebpf_program_get_info", "program", [] { return ebpf_program_get_info(nullptr, nullptr); }},
    {"ebpf_program_set_autoload", "program",
     [] { return ebpf_program_set_autoload(nullptr, true); }},
    {"ebpf_program_run", "program", [] { return ebpf_program_run(nullptr, nullptr, 0, nullptr); }},
    {"ebpf_program_run_at", "program",
     [] { return ebpf_program_run_at(nullptr, nullptr, nullptr, 0, nullptr); }},
    {"ebpf_program_iterate", "program",
     [] { return ebpf_program_iterate(nullptr, nullptr, nullptr, nullptr); }},
    {"ebpf_program_allow_process_memory", "program",
     [] { return ebpf_program_allow_process_memory(nullptr); }},
    {"ebpf_program_run_packet", "program",
     [] { return ebpf_program_run_packet(nullptr, nullptr); }},
});

class null_handle : public testing::TestWithParam<null_case> {};

TEST_P(null_handle, is_an_invalid_argument) {
    EXPECT_FAILS(GetParam().call(), EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "");
    EXPECT_EQ(ebpf_last_error(), std::string{GetParam().handle} + " is NULL");
}

INSTANTIATE_TEST_SUITE_P(runtime_c_api, null_handle, testing::ValuesIn(null_cases),
                         [](const auto &c) { return std::string{c.param.function}; });

TEST(null_handle, gives_null) {
    EXPECT_FAILS(ebpf_map_create(nullptr), nullptr, EINVAL, "definition is NULL");
    EXPECT_FAILS(ebpf_map_dup(nullptr), nullptr, EINVAL, "map is NULL");
    EXPECT_FAILS(ebpf_map_dump_json(nullptr), nullptr, EINVAL, "map is NULL");
    EXPECT_FAILS(ebpf_map_collect_events(nullptr, 4096), nullptr, EINVAL, "map is NULL");
    EXPECT_FAILS(ebpf_map_reserve(nullptr, 8), nullptr, EINVAL, "map is NULL");
    EXPECT_FAILS(ebpf_map_arena(nullptr, nullptr), nullptr, EINVAL, "map is NULL");
    EXPECT_FAILS(ebpf_map_arena_touch(nullptr, 0, 1), nullptr, EINVAL, "map is NULL");
    EXPECT_FAILS(ebpf_object_open(nullptr, 5), nullptr, EINVAL, "bytes is NULL");
    EXPECT_FAILS(ebpf_object_open_file(nullptr), nullptr, EINVAL, "path is NULL");
    EXPECT_FAILS(ebpf_object_license(nullptr), nullptr, EINVAL, "object is NULL");
    EXPECT_FAILS(ebpf_object_next_program(nullptr, nullptr), nullptr, EINVAL, "object is NULL");
    EXPECT_FAILS(ebpf_object_find_program(nullptr, "x"), nullptr, EINVAL, "object is NULL");
    EXPECT_FAILS(ebpf_object_next_map(nullptr, nullptr), nullptr, EINVAL, "object is NULL");
    EXPECT_FAILS(ebpf_object_find_map(nullptr, "x"), nullptr, EINVAL, "object is NULL");
    EXPECT_FAILS(ebpf_program_vm(nullptr), nullptr, EINVAL, "program is NULL");
    EXPECT_FAILS(ebpf_program_why_unavailable(nullptr, 0), nullptr, EINVAL, "program is NULL");
    EXPECT_FAILS(ebpf_object_list_globals(nullptr, nullptr, 0), 0U, EINVAL, "object is NULL");
    ebpf_object_close(nullptr);
    ebpf_map_close(nullptr);
    ebpf_owner_close(nullptr);
}

TEST(null_pointers, to_keys_and_values_are_refused) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_HASH, 2));
    ebpf_map *const m = map.get();
    const auto refused = [](int64_t code, const char *message) {
        EXPECT_EQ(code, EBPF_ERROR_INVALID_ARGUMENT);
        EXPECT_STREQ(ebpf_last_error(), message);
    };
    refused(ebpf_map_lookup_elem(m, nullptr, 4, &word, 8, 0), "key is NULL");
    refused(ebpf_map_lookup_elem(m, &word, 4, nullptr, 8, 0), "value is NULL");
    refused(ebpf_map_update_elem(m, nullptr, 4, &word, 8, 0), "key is NULL");
    refused(ebpf_map_update_elem(m, &word, 4, nullptr, 8, 0), "value is NULL");
    refused(ebpf_map_lookup_and_delete_elem(m, nullptr, 4, &word, 8, 0), "key is NULL");
    refused(ebpf_map_lookup_and_delete_elem(m, &word, 4, nullptr, 8, 0), "value is NULL");
    refused(ebpf_map_delete_elem(m, nullptr, 4), "key is NULL");
    refused(ebpf_map_get_next_key(m, nullptr, nullptr, 4), "next is NULL");
    refused(ebpf_map_push_elem(m, nullptr, 8, 0), "value is NULL");
    refused(ebpf_map_pop_elem(m, nullptr, 8), "value is NULL");
    refused(ebpf_map_peek_elem(m, nullptr, 8), "value is NULL");
    refused(ebpf_map_update_batch(m, nullptr, &word, 1, 0), "keys or values is NULL");
    refused(ebpf_map_update_batch(m, &word, nullptr, 1, 0), "keys or values is NULL");
    refused(ebpf_map_delete_batch(m, nullptr, 1), "keys is NULL");
    refused(ebpf_map_lookup_batch(m, nullptr, nullptr, &word, &word, &some_count),
            "out_batch, keys, values or count is NULL");
    refused(ebpf_map_lookup_batch(m, nullptr, &word, &word, &word, nullptr),
            "out_batch, keys, values or count is NULL");
    refused(ebpf_map_lookup_and_delete_batch(m, &word, nullptr, &some_count),
            "keys, values or count is NULL");
    refused(ebpf_map_set_map(m, &word, 4, nullptr, 0), "value is NULL");
    auto d = define(EBPF_MAP_TYPE_RINGBUF, 4096);
    d.key_size = d.value_size = 0;
    const map_ptr ring = create(d);
    refused(ebpf_map_consume(ring.get(), nullptr, nullptr), "take is NULL");
    refused(ebpf_map_poll(ring.get(), nullptr, nullptr, 0), "take is NULL");
}

TEST(wrong_sizes, are_refused) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_HASH, 2));
    ebpf_map *const m = map.get();
    std::array<uint8_t, 64> memory{};
    ASSERT_EQ(update(m, 0, 1), 0);
    const auto refused = [](int code) {
        EXPECT_EQ(code, EBPF_ERROR_INVALID_ARGUMENT);
        EXPECT_EQ(errno, EINVAL);
    };
    for (const size_t size : {size_t{0}, size_t{3}, size_t{5}, SIZE_MAX}) {
        refused(ebpf_map_lookup_elem(m, &word, size, memory.data(), 8, 0));
        refused(ebpf_map_lookup_elem(m, &word, 4, memory.data(), size, 0));
        refused(ebpf_map_update_elem(m, &word, size, memory.data(), 8, 0));
        refused(ebpf_map_update_elem(m, &word, 4, memory.data(), size, 0));
        refused(ebpf_map_delete_elem(m, &word, size));
        refused(ebpf_map_get_next_key(m, &word, memory.data(), size));
    }
    refused(ebpf_map_update_elem(m, &word, 4, memory.data(), 8, 77));
    refused(ebpf_map_lookup_elem(m, &word, 4, memory.data(), 8, 77));
    size_t count = 0;
    refused(ebpf_map_lookup_batch(m, nullptr, &word, &word, &word, &count));
    refused(ebpf_map_update_batch(m, &word, memory.data(), SIZE_MAX / 4, 0));
    refused(ebpf_map_delete_batch(m, &word, SIZE_MAX / 2));
}

TEST(wrong_types, are_refused) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_HASH, 2));
    EXPECT_FAILS(ebpf_map_consume(map.get(), ignore, nullptr), EBPF_ERROR_UNSUPPORTED, EOPNOTSUPP,
                 "map 'test' is a hash, not a ring buffer");
    EXPECT_FAILS(ebpf_map_event_fd(map.get()), EBPF_ERROR_UNSUPPORTED, EOPNOTSUPP, "a ring buffer");
    for (const uint32_t type : {0U, 26U, 34U, 0xffffffffU}) {
        const auto d = define(type, 2);
        EXPECT_EQ(ebpf_map_create(&d), nullptr) << type;
        EXPECT_THAT(
            ebpf_last_error(),
            testing::HasSubstr("of type " + (type == 26 ? "struct_ops" : std::to_string(type))));
    }
    auto d = define(EBPF_MAP_TYPE_HASH, 0);
    EXPECT_FAILS(ebpf_map_create(&d), nullptr, EINVAL, "");
    d = define(EBPF_MAP_TYPE_HASH, 2);
    d.name = nullptr;
    EXPECT_STREQ(info_of(create(d).get()).name, "");
}

TEST(structs, tell_their_size) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_HASH, 2));
    ebpf_map_info info{};
    for (const size_t size : {size_t{0}, size_t{7}, size_t{5000}, SIZE_MAX}) {
        info.size = size;
        EXPECT_FAILS(ebpf_map_get_info(map.get(), &info), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                     "set it to sizeof *info");
    }
    EXPECT_FAILS(ebpf_map_get_info(map.get(), nullptr), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "info is NULL");
    info.size = offsetof(ebpf_map_info, key_size);
    ASSERT_EQ(ebpf_map_get_info(map.get(), &info), 0) << ebpf_last_error();
    EXPECT_STREQ(info.name, "test");
    EXPECT_EQ(info.key_size, 0U) << "beyond what the caller knows";
    const object_ptr object = open("SEC(\"raw_tp\") int f(void *ctx) { return 1; }");
    ebpf_object_options options{};
    EXPECT_FAILS(ebpf_object_load(object.get(), &options), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "options->size is 0");
    options.size = sizeof options;
    options.helper_count = 1;
    EXPECT_FAILS(ebpf_object_load(object.get(), &options), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "helpers is NULL");
}

}  // namespace

}  // namespace runtime_c_api
