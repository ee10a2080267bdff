// bpftime-vm: maps of objects before they are loaded, and maps that objects share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace runtime_c_api {

namespace {

constexpr std::string_view counting = R"(
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64); } seen SEC(".maps");
struct { __uint(type, 6); __uint(max_entries, 2); __type(key, u32); __type(value, u32); } cpus SEC(".maps");
u64 total;
SEC("raw_tp") int count(u64 *ctx) {
    u32 key = 3, first = 0, *cpu = lookup(&cpus, &first);
    u64 one = 1, *value = lookup(&seen, &key);
    if (value) *value += 1; else update(&seen, &key, &one, 0);
    if (cpu) *cpu += 1;
    return total++;
}
)";

class sharing : public on_engines {};
ON_ENGINES(sharing);

TEST(maps_of_objects, are_listed) {
    const object_ptr object = open(counting);
    std::vector<std::string> names;
    for (ebpf_map *m = nullptr; (m = ebpf_object_next_map(object.get(), m)) != nullptr;) {
        names.emplace_back(info_of(m).name);
        EXPECT_EQ(ebpf_object_find_map(object.get(), info_of(m).name), m);
    }
    EXPECT_THAT(names, testing::UnorderedElementsAre("seen", "cpus", ".bss"));
    EXPECT_FAILS(ebpf_object_find_map(object.get(), "none"), nullptr, EINVAL,
                 "the object has no map 'none'");
    const auto section = info_of(ebpf_object_find_map(object.get(), ".bss"));
    EXPECT_EQ(section.is_section, 1U);
    EXPECT_EQ(section.value_size, 8U);
    const auto cpus = info_of(ebpf_object_find_map(object.get(), "cpus"));
    EXPECT_EQ(cpus.id, 0U) << "not made yet";
    EXPECT_EQ(cpus.host_value_size, std::size_t{8} * ebpf_cpu_count());
}

TEST(maps_of_objects, are_there_when_it_is_loaded) {
    const object_ptr object = open(counting);
    ebpf_map *const seen = ebpf_object_find_map(object.get(), "seen");
    EXPECT_FAILS(update(seen, 1, 1), EBPF_ERROR_NOT_FOUND, EINVAL,
                 "map 'seen' is not there: its object is not loaded yet");
    EXPECT_EQ(ebpf_map_dup(seen), nullptr);
    EXPECT_EQ(ebpf_map_dump_json(seen), nullptr);
    ebpf_map_close(seen);  // nothing: it is the object's
    EXPECT_STREQ(info_of(seen).name, "seen");
}

TEST_P(sharing, maps_are_made_if_the_host_wants_them) {
    const object_ptr object = open(R"(
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64); } spare SEC(".maps");
SEC("raw_tp") int f(void *ctx) { return 0; }
SEC("?raw_tp") int g(void *ctx) { return lookup(&spare, &(u32){0}) != 0; }
)");
    ebpf_map *const spare = ebpf_object_find_map(object.get(), "spare");
    ASSERT_EQ(ebpf_map_set_autocreate(spare, true), 0);
    const auto o = options();
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    EXPECT_EQ(update(spare, 1, 2), 0) << ebpf_last_error();
    EXPECT_FAILS(ebpf_map_set_autocreate(spare, false), EBPF_ERROR_ALREADY_EXISTS, EINVAL,
                 "the object is loaded already");
}

TEST_P(sharing, sizes_are_the_hosts) {
    const object_ptr object = open(counting);
    ebpf_map *const seen = ebpf_object_find_map(object.get(), "seen");
    ASSERT_EQ(ebpf_map_set_max_entries(seen, 3), 0);
    EXPECT_EQ(info_of(seen).max_entries, 3U);
    const auto o = options();
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    EXPECT_EQ(info_of(seen).max_entries, 3U);
    EXPECT_EQ(info_of(ebpf_object_find_map(object.get(), "cpus")).max_entries, 2U);
    EXPECT_FAILS(ebpf_map_set_max_entries(seen, 4), EBPF_ERROR_ALREADY_EXISTS, EINVAL,
                 "the object is loaded already");
    EXPECT_FAILS(ebpf_map_reuse(seen, nullptr), EBPF_ERROR_ALREADY_EXISTS, EINVAL,
                 "the object is loaded already");
    const map_ptr own = create(define(EBPF_MAP_TYPE_ARRAY, 1));
    EXPECT_FAILS(ebpf_map_set_max_entries(own.get(), 4), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "the map is of no object");
    EXPECT_FAILS(ebpf_map_reuse(own.get(), seen), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "the map is of no object");
}

TEST_P(sharing, objects_have_one_map) {
    const map_ptr shared = create(define(EBPF_MAP_TYPE_HASH, 8));
    ASSERT_EQ(update(shared.get(), 3, 100), 0);
    {
        const object_ptr first = open(counting);
        const object_ptr second = open(counting);
        const auto o = options();
        for (const object_ptr &object : {std::cref(first), std::cref(second)}) {
            ebpf_map *const seen = ebpf_object_find_map(object.get(), "seen");
            ASSERT_EQ(ebpf_map_reuse(seen, shared.get()), 0);
            EXPECT_STREQ(info_of(seen).name, "seen") << "to its object";
            ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
            EXPECT_EQ(run(object, "count"), 0);
            EXPECT_EQ(info_of(seen).id, info_of(shared.get()).id);
        }
    }
    EXPECT_EQ(value_of(shared.get(), 3), 102U);
}

TEST_P(sharing, maps_outlive_their_object) {
    map_ptr seen;
    {
        const object_ptr object = load(counting);
        run(object, "count");
        seen.reset(ebpf_map_dup(ebpf_object_find_map(object.get(), "seen")));
    }
    EXPECT_EQ(value_of(seen.get(), 3), 1U);
    const text_ptr text{ebpf_map_dump_json(seen.get())};
    EXPECT_THAT(text.get(), testing::HasSubstr(R"("entries":[{"key":3,"value":1}])"));
}

TEST_P(sharing, only_maps_like_the_objects_own) {
    const object_ptr object = open(counting);
    ebpf_map *const seen = ebpf_object_find_map(object.get(), "seen");
    const map_ptr other = create(define(EBPF_MAP_TYPE_HASH, 9));
    ASSERT_EQ(ebpf_map_reuse(seen, other.get()), 0);
    const auto o = options();
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "map 'seen' cannot be what the host gives: it takes 9 entries, not 8");
    ASSERT_EQ(ebpf_map_set_max_entries(seen, 9), 0);
    EXPECT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    const object_ptr unloaded = open(counting);
    EXPECT_FAILS(ebpf_map_reuse(ebpf_object_find_map(unloaded.get(), "seen"),
                                ebpf_object_find_map(unloaded.get(), "seen")),
                 EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "map 'seen' is not made yet");
}

// --- programs in arrays

constexpr std::string_view jumping = R"(
struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); __uint(value_size, 4); } jumps SEC(".maps");
u64 total = 40;
SEC("raw_tp") int jump(void *ctx) { tail_call(ctx, &jumps, 1); return -1; }
SEC("raw_tp") int target(void *ctx) { return ++total; }
)";

int put(const object_ptr &array_of, const object_ptr &object, const char *program) {
    return ebpf_map_set_program(ebpf_object_find_map(array_of.get(), "jumps"), 1,
                                ebpf_object_find_program(object.get(), program));
}

TEST_P(sharing, programs_jump_to_others) {
    const object_ptr object = load(jumping);
    EXPECT_EQ(static_cast<int32_t>(run(object, "jump")), -1);
    ASSERT_EQ(put(object, object, "target"), 0) << ebpf_last_error();
    EXPECT_EQ(run(object, "jump"), 41);
    const uint32_t key = 1;
    EXPECT_EQ(ebpf_map_delete_elem(ebpf_object_find_map(object.get(), "jumps"), &key, sizeof key),
              0);
    EXPECT_EQ(static_cast<int32_t>(run(object, "jump")), -1);
}

TEST_P(sharing, arrays_take_programs_of_one_type) {
    const object_ptr object = load(jumping);
    const object_ptr other = load("SEC(\"perf_event\") int target(void *ctx) { return 1; }");
    EXPECT_FAILS(put(object, other, "target"), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "program 'target' is of type perf_event, but map 'jumps' is for tail calls "
                 "between programs of type raw_tracepoint, as 'jump' is, its first one (EINVAL)");
    EXPECT_EQ(static_cast<int32_t>(run(object, "jump")), -1);
    const object_ptr next = open(
        "struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); "
        "__uint(value_size, 4); } jumps SEC(\".maps\");"
        "SEC(\"perf_event\") int f(void *ctx) { tail_call(ctx, &jumps, 1); return 1; }");
    ASSERT_EQ(ebpf_map_reuse(ebpf_object_find_map(next.get(), "jumps"),
                             ebpf_object_find_map(object.get(), "jumps")),
              0);
    const auto o = options();
    EXPECT_FAILS(ebpf_object_load(next.get(), &o), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "program 'f' is of type perf_event, but map 'jumps'");
}

/// The array must not keep a program whose maps are gone.
TEST_P(sharing, programs_leave_arrays_when_their_object_is_closed) {
    const object_ptr object = load(jumping);
    {
        const object_ptr other = load(jumping);
        ASSERT_EQ(put(object, other, "target"), 0) << ebpf_last_error();
        ASSERT_EQ(put(other, object, "target"), 0) << ebpf_last_error();
        ASSERT_EQ(ebpf_map_freeze(ebpf_object_find_map(object.get(), "jumps")), 0);
        EXPECT_EQ(run(object, "jump"), 41);
        EXPECT_EQ(run(other, "jump"), 41);
    }
    EXPECT_EQ(static_cast<int32_t>(run(object, "jump")), -1);
}

TEST_P(sharing, arrays_outlive_the_programs_in_them) {
    map_ptr jumps;
    {
        const object_ptr object = load(jumping);
        ASSERT_EQ(put(object, object, "target"), 0);
        jumps.reset(ebpf_map_dup(ebpf_object_find_map(object.get(), "jumps")));
    }
    const object_ptr next = open(jumping);
    ASSERT_EQ(ebpf_map_reuse(ebpf_object_find_map(next.get(), "jumps"), jumps.get()), 0);
    const auto o = options();
    ASSERT_EQ(ebpf_object_load(next.get(), &o), 0) << ebpf_last_error();
    EXPECT_EQ(static_cast<int32_t>(run(next, "jump")), -1);
}

TEST_P(sharing, arrays_are_filled_by_the_names_of_programs) {
    const object_ptr object = load(jumping);
    ebpf_map *const jumps = ebpf_object_find_map(object.get(), "jumps");
    ASSERT_EQ(ebpf_map_load_json(jumps, R"({"1": "target"})"), 0) << ebpf_last_error();
    EXPECT_EQ(run(object, "jump"), 41);
    const std::unique_ptr<char, decltype(&ebpf_free)> dump{ebpf_map_dump_json(jumps), ebpf_free};
    ASSERT_NE(dump, nullptr) << ebpf_last_error();
    EXPECT_NE(std::string_view{dump.get()}.find(R"("entries":[{"key":1,"value":"target"}])"),
              std::string_view::npos)
        << dump.get();
    ASSERT_EQ(ebpf_map_load_json(jumps, dump.get()), 0) << ebpf_last_error();
    EXPECT_FAILS(ebpf_map_load_json(jumps, R"({"0": "nobody"})"), EBPF_ERROR_NOT_FOUND, EINVAL,
                 "map 'jumps': no program 'nobody' of its object is loaded");
    EXPECT_FAILS(ebpf_map_load_json(jumps, R"({"0": 9})"), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "map 'jumps' takes the names of programs, and 9 is none");
}

TEST_P(sharing, arrays_take_loaded_programs) {
    const object_ptr object = load(jumping);
    const object_ptr unloaded = open(jumping);
    EXPECT_FAILS(put(object, unloaded, "target"), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "program 'target' is not loaded");
    ebpf_map *const jumps = ebpf_object_find_map(object.get(), "jumps");
    ebpf_program *const target = ebpf_object_find_program(object.get(), "target");
    EXPECT_FAILS(ebpf_map_set_program(jumps, 2, target), EBPF_ERROR_LIMIT_EXCEEDED, E2BIG, "");
    EXPECT_FAILS(ebpf_map_set_program(jumps, 1, nullptr), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "program is NULL");
    const map_ptr array = create(define(EBPF_MAP_TYPE_ARRAY, 2));
    EXPECT_FAILS(ebpf_map_set_program(array.get(), 1, target), EBPF_ERROR_UNSUPPORTED, EOPNOTSUPP,
                 "map 'test' is a array, not an array of programs");
}

}  // namespace

}  // namespace runtime_c_api
