// bpftime-vm: maps as JSON and back; bpftime-cli's tests have more, of all kinds of types
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"
#include "runtime/cpu.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime_json/maps.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>

namespace bpftime::vm::runtime_json::test {

using bytes = std::vector<uint8_t>;
using testing::HasSubstr;

namespace {

constexpr std::string_view source = R"(
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
struct key { unsigned id; };
struct value { int number; unsigned char mac[6]; };
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, struct key); __type(value, struct value); } table SEC(".maps");
struct { __uint(type, 6); __uint(max_entries, 4); __type(key, unsigned); __type(value, unsigned); } counts SEC(".maps");
struct { __uint(type, 22); __uint(max_entries, 2); __type(value, unsigned); } jobs SEC(".maps");
const volatile int fixed = 1;
int number = 3;
struct value pair = {-4, {1, 2}};
static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*push)(void *map, const void *value, unsigned long long flags) = (void *)87;
SEC("socket") int f(void *ctx) {
    unsigned zero = 0;
    number += pair.number + fixed;
    return lookup(&table, &zero) == lookup(&counts, &zero) + push(&jobs, &zero, 0);
}
)";

class maps_as_json : public testing::Test {
protected:
    maps_as_json()
        : file_{object::object_file::parse(object::test::compile(source)).value()},
          object_{runtime::loaded_object::load(file_).value()} {}

    typed_map map(std::string_view name) {
        const auto maps = file_.maps();
        const auto at = std::ranges::find(
            maps, name, [](const object::object_map &m) { return m.definition.name; });
        const auto index = static_cast<uint32_t>(at - maps.begin());
        return {*object_.maps()[index], map_types::of(file_, index)};
    }

    std::string refusal(std::string_view name, std::string_view text) {
        const auto done = map(name).load(parse(text).value());
        return done ? "" : done.error().message;
    }

    object::object_file file_;
    runtime::loaded_object object_;
};

TEST_F(maps_as_json, what_is_written_can_be_read) {
    const json document = {
        {"name", "table"},
        {"type", "hash"},
        {"key_size", 4},
        {"value_size", 12},
        {"max_entries", 8},
        {"entries",
         {{{"key", {{"id", 5}}}, {"value", {{"number", -2}, {"mac", "010203040506"}}}}}}};
    ASSERT_TRUE(map("table").load(document));
    EXPECT_EQ(map("table").to_json(), document);
}

TEST_F(maps_as_json, queues_are_written_in_the_order_of_their_values) {
    const json document = {{"name", "jobs"},   {"type", "queue"},
                           {"key_size", 0},    {"value_size", 4},
                           {"max_entries", 2}, {"entries", {{{"value", 7}}, {{"value", 5}}}}};
    ASSERT_TRUE(map("jobs").load(document));
    EXPECT_EQ(map("jobs").to_json(), document);
    EXPECT_EQ(map("jobs").to_json(), document) << "they are still there";
    EXPECT_THAT(refusal("jobs", R"([{"value": 1}])"), HasSubstr("E2BIG"));
}

TEST_F(maps_as_json, entries_may_be_written_by_hand) {
    EXPECT_EQ(refusal("counts", R"({"1": "0x10", "2": 5})"), "");
    EXPECT_EQ(refusal("counts", R"([{"key": 3, "values": [9]}])"), "");
    std::vector<uint32_t> third(runtime::cpu_count());
    third.front() = 9;
    const json entries = map("counts").to_json()["entries"];
    EXPECT_EQ(entries[0]["values"], json(std::vector<uint32_t>(runtime::cpu_count(), 16)));
    EXPECT_EQ(entries[1]["values"], json(std::vector<uint32_t>(runtime::cpu_count(), 5)));
    EXPECT_EQ(entries[2]["values"], json(third));
    EXPECT_EQ(refusal("jobs", R"([{"value": 7}, {"value": 8}])"), "");
    EXPECT_EQ(map("jobs").to_json()["entries"], parse(R"([{"value": 7}, {"value": 8}])").value());
}

TEST_F(maps_as_json, sections_have_variables) {
    EXPECT_EQ(map(".data").to_json()["variables"],
              parse(R"({"number": 3, "pair": {"number": -4, "mac": "010200000000"}})").value());
    EXPECT_EQ(refusal(".data", R"({"variables": {"pair": {"number": 8}}})"), "");
    EXPECT_EQ(map(".data").variables()["number"], json(3)) << "others stay";
    EXPECT_EQ(map(".data").variables()["pair"]["number"], json(8));
    EXPECT_THAT(refusal(".rodata", R"({"variables": {"fixed": 2}})"), HasSubstr("EPERM"));
}

TEST_F(maps_as_json, what_does_not_fit_is_refused) {
    const auto refused = [&](std::string_view name, std::string_view text, std::string_view why) {
        EXPECT_THAT(refusal(name, text), HasSubstr(std::string{why})) << text;
    };
    refused("counts", "5", "map 'counts': neither entries nor variables");
    refused("counts", "[5]", "key of map 'counts': null is no value of 4 bytes");
    refused("counts", "[[[]]]", "key of map 'counts': null is no value of 4 bytes");
    refused("counts", R"({"entries": 5})", "null is no value of 4 bytes");
    refused("counts", R"({"variables": 5})", "map 'counts' has no variable ''");
    refused("counts", R"({"1": [1, 2]})", "value of map 'counts': [1,2] is no value of 4 bytes");
    refused("counts", R"({"1": 4294967296})", "4294967296 is no value of 4 bytes");
    refused("counts", R"({"9": 1})", "E2BIG");
    refused("counts", R"([{"key": 1, "values": 2}])", "map 'counts' takes no 1 values");
    refused("table", R"([{"key": {"id": 1}, "values": [{}]}])", "map 'table' takes no 1 values");
    refused("table", R"([{"key": {"id": 1}, "value": {"number": 1, "x": 1}}])",
            "has members that are not in value");
    for (const char *mac : {"01020304050", "0102030405067", "01020304050g", "-1-1-1-1-1-1"})
        refused("table", fmt::format(R"([{{"key": {{}}, "value": {{"mac": "{}"}}}}])", mac),
                "is no value of 6 bytes");
    refused(".data", R"({"variables": {"none": 1}})", "map '.data' has no variable 'none'");
    refused(".data", R"({"variables": {"number": "x"}})", "variable 'number': \"x\" is no value");
}

class values_as_json : public testing::Test {
protected:
    /// The variable's bytes that this is, as JSON again; or why there are none.
    std::string through(std::string_view variable, std::string_view text, bytes *read = nullptr) {
        const auto place = file_.global(variable).value();
        const auto written =
            from_json(file_.types(), place.type, parse(text).value(), place.size, "value");
        if (not written) return written.error().message;
        if (read != nullptr) *read = *written;
        return to_text(to_json(file_.types(), place.type, *written));
    }
    std::string shown(std::string_view variable, const bytes &raw) {
        return to_text(to_json(file_.types(), file_.global(variable)->type, raw));
    }

    object::object_file file_{object::object_file::parse(object::test::compile(R"(
float narrow = 1;
double wide = 1;
double list[2] = {1};
char name[6] = "abc";
typedef const char letter;
letter letters[2] = "ab";
unsigned char mac[6] = {1};
__attribute__((section("socket"), used)) int f(void *ctx) { return name[0] + letters[1] + mac[0] + *(int *)&narrow + *(int *)&wide + *(int *)list; }
)"))
                                  .value()};
};

TEST_F(values_as_json, floats_are_numbers) {
    bytes read;
    EXPECT_EQ(through("narrow", "0.1", &read), "0.1");
    EXPECT_EQ(read, (bytes{0xcd, 0xcc, 0xcc, 0x3d}));
    EXPECT_EQ(through("wide", "0.1", &read), "0.1");
    EXPECT_EQ(read, (bytes{0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f}));
    EXPECT_EQ(through("list", "[-1.5, 3]"), "[-1.5,3.0]");
    EXPECT_EQ(through("wide", R"("2.5e3")"), "2500.0");
    EXPECT_EQ(through("narrow", R"("-inf")"), R"("-inf")");
    EXPECT_EQ(through("wide", R"("inf")"), R"("inf")");
    EXPECT_EQ(through("narrow", R"("0x7fc00001")"), R"("0x7fc00001")");
    EXPECT_EQ(through("narrow", R"("0x3f800000")"), "1.0");
    for (const char *text : {R"("x")", R"("")", R"("1.5x")", "null", "[]"})
        EXPECT_THAT(through("narrow", text), HasSubstr("is no value of 4 bytes"));
}

TEST_F(values_as_json, arrays_of_char_are_text) {
    bytes read;
    EXPECT_EQ(through("name", R"("abc")", &read), R"("abc")");
    EXPECT_EQ(read, (bytes{'a', 'b', 'c', 0, 0, 0}));
    EXPECT_EQ(through("name", R"("")"), R"("")");
    EXPECT_EQ(through("name", R"("abcdef")"), R"("abcdef")") << "there is no room for a zero";
    EXPECT_EQ(through("name", R"("616263000000")"), R"("abc")");
    EXPECT_EQ(through("name", R"("616200630000")"), R"("616200630000")");
    EXPECT_EQ(shown("name", {'a', 0x80, 0, 0, 0, 0}), R"("618000000000")");
    EXPECT_EQ(through("letters", R"("x")"), R"("x")");
    EXPECT_THAT(through("name", R"("abcdefg")"), HasSubstr("is no value of 6 bytes"));
    EXPECT_EQ(through("mac", R"("616263000000")"), R"("616263000000")") << "these are numbers";
    EXPECT_THAT(through("mac", R"("abc")"), HasSubstr("is no value of 6 bytes"));
}

/// Their values for each CPU are not those of a hash or array.
TEST(storage_of_control_groups, has_a_value_for_each_cpu) {
    map_definition d;
    d.name = "storage";
    d.type = map_type::percpu_cgroup_storage;
    d.key_size = 8;
    d.value_size = 4;
    const auto m = runtime::map::create(d);
    ASSERT_TRUE(m) << m.error().message;
    EXPECT_TRUE(runtime::is_percpu(d.type));
    EXPECT_EQ((*m)->host_value_size(), std::size_t{8} * runtime::cpu_count());
    EXPECT_EQ(typed_map(**m, {}).values({bytes(8), bytes((*m)->host_value_size())}).size(),
              runtime::cpu_count());
}

TEST(listings, say_why_they_are_not_all) {
    map_definition d;
    d.name = "hidden";
    d.type = map_type::hash;
    d.key_size = 4;
    d.value_size = 4;
    d.max_entries = 4;
    d.flags = map_wronly;
    const auto hidden = runtime::map::create(d);
    ASSERT_TRUE(hidden) << hidden.error().message;
    ASSERT_TRUE((*hidden)->update(bytes(4), bytes(4)));
    const auto listing = typed_map(**hidden, {}).entries();
    EXPECT_TRUE(listing.entries.empty());
    EXPECT_EQ(listing.stopped_by.value().kernel_errno, EPERM);
    const json document = typed_map(**hidden, {}).to_json();
    EXPECT_EQ(document["stopped_by"], json(listing.stopped_by->message));
    EXPECT_THAT(listing.stopped_by->message, HasSubstr("next key of map hidden"));
}

TEST(listings, of_maps_without_keys_are_all) {
    map_definition d;
    d.name = "seen";
    d.type = map_type::bloom_filter;
    d.value_size = 4;
    d.max_entries = 4;
    const auto filter = runtime::map::create(d);
    ASSERT_TRUE(filter) << filter.error().message;
    EXPECT_FALSE(typed_map(**filter, {}).entries().stopped_by);
    EXPECT_FALSE(typed_map(**filter, {}).to_json().contains("stopped_by"));
}

TEST(listings, say_what_no_host_can_read) {
    map_definition d;
    d.name = "socks";
    d.type = map_type::sockmap;
    d.key_size = d.value_size = 4;
    d.max_entries = 4;
    const auto socks = runtime::map::create(d);
    ASSERT_TRUE(socks) << socks.error().message;
    EXPECT_THAT(std::string{typed_map(**socks, {}).entries().hidden}, HasSubstr("values"));
    EXPECT_TRUE(typed_map(**socks, {}).to_json().contains("hidden"));
    d.value_size = 8;
    EXPECT_EQ(typed_map(**runtime::map::create(d), {}).entries().hidden, "");
}

TEST(maps_of_objects, are_filled_by_names) {
    const auto file = object::object_file::parse(object::test::compile(R"(
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
struct inner { __uint(type, 2); __uint(max_entries, 1); __uint(key_size, 4); __uint(value_size, 4); } one SEC(".maps");
struct { __uint(type, 12); __uint(max_entries, 2); __uint(key_size, 4); struct inner *values[]; } outer SEC(".maps") = {.values = {[0] = &one}};
struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); __uint(value_size, 4); } calls SEC(".maps");
struct { __uint(type, 8); __uint(max_entries, 2); __uint(key_size, 4); __uint(value_size, 4); } groups SEC(".maps");
SEC("raw_tp") int f(void *ctx) {
    ((long (*)(void *, void *, unsigned))12)(ctx, &calls, 0);
    unsigned k = 0;
    return ((long (*)(void *, unsigned))37)(&groups, 0) + (((void *(*)(void *, void *))1)(&outer, &k) != 0);
}
)"))
                          .value();
    const auto object = runtime::loaded_object::load(file);
    ASSERT_TRUE(object) << object.error().message;
    const auto view = [&](std::string_view name, const runtime::loaded_object *owner) {
        return typed_map{*object->find_map(name), {.owner = owner}};
    };
    const auto entries = [&](std::string_view name, const runtime::loaded_object *owner) {
        return to_text(view(name, owner).to_json()["entries"]);
    };
    const std::string id = std::to_string(object->find_map("one")->id());
    EXPECT_EQ(entries("outer", &*object), R"([{"key":0,"value":"one"}])");
    EXPECT_EQ(entries("outer", nullptr), R"([{"key":0,"value":)" + id + "}]");
    EXPECT_TRUE(view("outer", &*object).load(parse(R"({"1": "one"})").value()));
    EXPECT_EQ(entries("outer", &*object), R"([{"key":0,"value":"one"},{"key":1,"value":"one"}])");
    EXPECT_TRUE(view("outer", nullptr).load(view("outer", nullptr).to_json())) << "it is there";
    EXPECT_TRUE(view("calls", &*object).load(parse(R"({"1": "f"})").value()));
    EXPECT_EQ(entries("calls", &*object), R"([{"key":1,"value":"f"}])");
    EXPECT_EQ(entries("groups", &*object), "[]");
    EXPECT_TRUE(view("groups", nullptr).load(parse(R"({"1": 70})").value()));
    EXPECT_EQ(entries("groups", &*object), R"([{"key":1,"value":70}])");
    const auto refused = [&](std::string_view name, std::string_view text) {
        const auto done = view(name, &*object).load(parse(text).value());
        return done ? "" : done.error().message;
    };
    EXPECT_EQ(refused("outer", R"({"1": 12345})"),
              "map 'outer' takes the names of maps, and 12345 is none");
    EXPECT_EQ(refused("outer", R"({"1": "two"})"), "map 'outer': its object has made no map 'two'");
    EXPECT_EQ(refused("calls", R"({"0": "g"})"),
              "map 'calls': no program 'g' of its object is loaded");
    EXPECT_EQ(refused("groups", R"({"0": "f"})"),
              "map 'groups' takes the numbers of control groups, and \"f\" is none");
    EXPECT_THAT(refused("calls", R"({"2": "f"})"), HasSubstr("E2BIG"));
}

TEST(documents, are_json) {
    EXPECT_EQ(to_text(parse(R"({"b": [1], "a": null})").value()), R"({"b":[1],"a":null})");
    for (const char *text : {"", "{", "nul", "[1,]", "\"\xff\"", "[1] 2"})
        EXPECT_EQ(parse(text).error().message, "no JSON document") << text;
}

/// Printing goes down on the stack: a text of a few megabytes would end the process.
TEST(documents, are_not_deep) {
    const auto nested = [](std::size_t depth) {
        return parse(std::string(depth, '[') + std::string(depth, ']'));
    };
    EXPECT_TRUE(nested(most_depth));
    for (const std::size_t depth : {std::size_t{most_depth} + 1, std::size_t{4'000'000}}) {
        const auto refused = nested(depth);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().message, "arrays and objects are more than 64 inside each other");
    }
    EXPECT_FALSE(parse(std::string(1'000'000, '[')));
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
    EXPECT_FALSE(parse(objects));
}

}  // namespace

}  // namespace bpftime::vm::runtime_json::test
