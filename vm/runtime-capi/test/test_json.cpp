// bpftime-vm: maps as JSON, in C
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

using testing::HasSubstr;

namespace runtime_c_api {

namespace {

constexpr std::string_view source = R"(
enum kind { NONE, SOME };
struct value { int number; enum kind kind; };
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, struct value); } table SEC(".maps");
int number = -3;
SEC("raw_tp") int f(void *ctx) { return lookup(&table, &(u32){1}) ? ++number : 0; }
)";

std::string dump(ebpf_map *map) {
    const text_ptr text{ebpf_map_dump_json(map)};
    EXPECT_NE(text, nullptr) << ebpf_last_error();
    return text == nullptr ? "" : text.get();
}

class as_json : public on_engines {};
ON_ENGINES(as_json);

TEST_P(as_json, maps_are_written_and_read) {
    const object_ptr object = load(source);
    ebpf_map *const table = ebpf_object_find_map(object.get(), "table");
    ASSERT_EQ(ebpf_map_load_json(table, R"({"1": {"number": -7, "kind": "SOME"}})"), 0)
        << ebpf_last_error();
    const std::string text = dump(table);
    EXPECT_EQ(text, R"({"name":"table","type":"hash","key_size":4,"value_size":8,"max_entries":8,)"
                    R"("entries":[{"key":1,"value":{"number":-7,"kind":"SOME"}}]})");
    const object_ptr again = load(source);
    ebpf_map *const other = ebpf_object_find_map(again.get(), "table");
    ASSERT_EQ(ebpf_map_load_json(other, text.c_str()), 0) << ebpf_last_error();
    EXPECT_EQ(dump(other), text);
    EXPECT_EQ(run(again, "f"), 0xfffffffe);
}

TEST_P(as_json, variables_are_written_and_read) {
    const object_ptr object = load(source);
    ebpf_map *const data = ebpf_object_find_map(object.get(), ".data");
    EXPECT_THAT(dump(data), HasSubstr(R"("variables":{"number":-3})"));
    ASSERT_EQ(ebpf_map_load_json(data, R"({"variables": {"number": 8}})"), 0) << ebpf_last_error();
    EXPECT_THAT(dump(data), HasSubstr(R"("variables":{"number":8})"));
}

TEST(as_json, maps_of_the_host_are_numbers) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_HASH, 2));
    ASSERT_EQ(ebpf_map_load_json(map.get(), R"([{"key": 1, "value": "0x10"}])"), 0);
    EXPECT_EQ(value_of(map.get(), 1), 16U);
    EXPECT_THAT(dump(map.get()), HasSubstr(R"([{"key":1,"value":16}])"));
}

TEST(as_json, what_is_wrong_is_said) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_HASH, 2));
    const auto refused = [&](const char *text, const char *message) {
        EXPECT_FAILS(ebpf_map_load_json(map.get(), text), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                     message);
    };
    refused(nullptr, "json is NULL");
    refused("", "no JSON document");
    refused("{\"1\": ", "no JSON document");
    refused("7", "map 'test': neither entries nor variables");
    refused(R"({"x": 1})", "key of map 'test': \"x\" is no value of 4 bytes");
    refused(R"({"1": [1]})", "value of map 'test': [1] is no value of 8 bytes");
    refused((R"({"1": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}").c_str(),
            "arrays and objects are more than 64 inside each other");
    EXPECT_FAILS(ebpf_map_load_json(map.get(), R"({"1": 1, "2": 2, "3": 3})"),
                 EBPF_ERROR_LIMIT_EXCEEDED, E2BIG, "full");
}

}  // namespace

}  // namespace runtime_c_api
