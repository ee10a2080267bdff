// bpftime-vm: tests of map definitions over objects that clang makes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <gmock/gmock.h>

namespace bpftime::vm::object::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

/// A map in section .maps with these members, and a program that uses it.
std::string declare(std::string_view members, std::string_view name = "m") {
    return "struct { " + std::string{members} + " } " + std::string{name} +
           " SEC(\".maps\");\nSEC(\"xdp\") int p(void *ctx) { return use(&" + std::string{name} +
           "); }\n";
}

std::string declaration_error(std::string_view members) { return parse_error(declare(members)); }

}  // namespace

TEST(maps, declared_with_types) {
    const object_file file =
        parse(declare("__uint(type, 1); __uint(max_entries, 1024); __type(key, unsigned short); "
                      "__type(value, struct pair { long a; int b; }); __uint(map_flags, 1);",
                      "sessions"));
    ASSERT_EQ(file.maps().size(), 1U);
    const object_map &m = file.maps()[0];
    EXPECT_EQ(m.definition.name, "sessions");
    EXPECT_EQ(m.definition.type, map_type::hash);
    EXPECT_EQ(m.definition.key_size, 2U);
    EXPECT_EQ(m.definition.value_size, 16U);
    EXPECT_EQ(m.definition.max_entries, 1024U);
    EXPECT_EQ(m.definition.flags, map_no_prealloc);
    EXPECT_EQ(m.origin, map_origin::declared);
    EXPECT_FALSE(m.pinned);
    EXPECT_FALSE(m.frozen);
    EXPECT_EQ(file.types()->describe(m.value_type), "struct pair");
    EXPECT_EQ(file.types()->describe(m.key_type), "int unsigned short");
}

TEST(maps, have_fields_that_only_helpers_use) {
    const auto fields = [](std::string_view value) {
        return parse(
                   "struct bpf_spin_lock { int val; }; struct bpf_timer { long opaque[2]; };\n"
                   "struct bpf_wq { long opaque[2]; }; struct task;\n"
                   "#define __kptr __attribute__((btf_type_tag(\"kptr\")))\n" +
                   declare("__uint(type, 1); __uint(max_entries, 1); __type(key, int); "
                           "__type(value, struct value { " +
                           std::string{value} + " });"))
            .maps()[0]
            .definition.fields;
    };
    using kind = value_field::kind;
    using all = std::vector<value_field>;
    EXPECT_EQ(fields("long a; int b;"), all{});
    EXPECT_EQ(fields("long a; struct bpf_spin_lock l;"), (all{{kind::spin_lock, 8, 4}}));
    EXPECT_EQ(fields("struct bpf_timer t[2]; struct { int x; struct bpf_spin_lock l; } in;"),
              (all{{kind::timer, 0, 16}, {kind::timer, 16, 16}, {kind::spin_lock, 36, 4}}));
    EXPECT_EQ(fields("struct bpf_list_head { long opaque[2]; } l;"),
              (all{{kind::list_head, 0, 16}}));
    EXPECT_EQ(fields("void *plain; struct task __kptr *p; struct bpf_wq w;"),
              (all{{kind::pointer, 8, 8}, {kind::other, 16, 16}}));
}

TEST(maps, declared_with_sizes_and_everything_else) {
    const object_file file = parse(declare(
        "__uint(type, 30); __uint(key_size, 0); __uint(value_size, 12); __uint(max_entries, 9);"
        "__uint(map_flags, 4); __uint(numa_node, 1); __uint(pinning, 1); "
        "__ulong(map_extra, 0x500000001);"));
    const object_map &m = file.maps()[0];
    EXPECT_EQ(m.definition.type, map_type::bloom_filter);
    EXPECT_EQ(m.definition.value_size, 12U);
    EXPECT_EQ(m.definition.numa_node, 1U);
    EXPECT_EQ(m.definition.map_extra, 0x500000001U);
    EXPECT_TRUE(m.pinned);
    EXPECT_EQ(m.value_type, 0U);
}

TEST(maps, references_become_indexes) {
    const object_file file = parse(R"(
struct kind { __uint(type, 2); __uint(max_entries, 1); __type(key, int); __type(value, int); };
struct kind zero SEC(".maps"), one SEC(".maps"), two SEC(".maps");
NOINLINE static long deep(void) { return use(&zero); }
SEC("xdp") int p(void *ctx) { return use(&two) + use(&one) + deep(); }
SEC("xdp") int q(void *ctx) { return use(&one); }
)");
    const bytecode linked = link(file, "p");
    EXPECT_THAT(linked.maps, ElementsAre(0, 1, 2));
    const auto load = [&](std::string_view name) {
        const auto index = &find_map(file, name) - file.maps().data();
        return "lddw %r1, map_by_idx(" + std::to_string(index) + ")";
    };
    EXPECT_THAT(references_in(linked),
                ElementsAre(load("two"), "call 1", load("one"), "call 1", StartsWith("call local"),
                            load("zero"), "call 1"));
    EXPECT_THAT(link(file, "q").maps, SizeIs(1));
}

TEST(maps, maps_of_maps) {
    const object_file file = parse(R"(
struct inner { __uint(type, 2); __uint(max_entries, 7); __type(key, int); __type(value, long); };
struct inner a SEC(".maps"), b SEC(".maps");
struct {
    __uint(type, 12); __uint(max_entries, 4); __type(key, int); __array(values, struct inner);
} outer SEC(".maps") = {.values = {[1] = &a, [3] = &b}};
struct {
    __uint(type, 13); __uint(max_entries, 4); __type(key, int); __uint(value_size, 4);
    __array(values, struct { __uint(type, 1); __uint(max_entries, 5); __type(key, int); __type(value, char); });
} bare SEC(".maps");
SEC("xdp") int p(void *ctx) { return use(&outer) + use(&bare); }
)");
    const object_map &outer = find_map(file, "outer");
    EXPECT_EQ(outer.definition.value_size, 4U);
    ASSERT_TRUE(outer.inner);
    EXPECT_EQ(outer.inner->name, "outer.inner");
    EXPECT_EQ(outer.inner->type, map_type::array);
    EXPECT_EQ(outer.inner->max_entries, 7U);
    EXPECT_EQ(outer.inner->value_size, 8U);
    ASSERT_EQ(outer.slots.size(), 2U);
    EXPECT_EQ(outer.slots[0].index, 1U);
    EXPECT_EQ(outer.slots[0].name, "a");
    EXPECT_EQ(outer.slots[1].index, 3U);
    EXPECT_EQ(outer.slots[1].name, "b");
    EXPECT_FALSE(outer.slots[1].is_program);
    EXPECT_EQ(find_map(file, "bare").inner->type, map_type::hash);
    EXPECT_EQ(link(file, "p").maps.size(), 4U) << "what slots hold can be reached";
}

TEST(maps, arrays_of_programs) {
    const object_file file = parse(R"(
SEC("xdp") int first(void *ctx) { return 1; }
SEC("xdp") int second(void *ctx) { return 2; }
struct {
    __uint(type, 3); __uint(max_entries, 8); __type(key, int); __array(values, int(void *));
} table SEC(".maps") = {.values = {[0] = (void *)&first, [5] = (void *)&second}};
SEC("xdp") int p(void *ctx) { return use(&table); }
)");
    const object_map &table = find_map(file, "table");
    ASSERT_EQ(table.slots.size(), 2U);
    EXPECT_TRUE(table.slots[1].is_program);
    EXPECT_EQ(table.slots[1].index, 5U);
    EXPECT_EQ(table.slots[1].name, "second");
    EXPECT_EQ(table.definition.value_size, 4U);
}

TEST(maps, wrong_declarations_are_refused) {
    EXPECT_THAT(declaration_error("__uint(type, 1); __uint(colour, 3);"),
                StartsWith("the map 'm' has the unknown member 'colour'"));
    EXPECT_THAT(declaration_error("__uint(max_entries, 1);"),
                StartsWith("the map 'm' has no type"));
    EXPECT_THAT(declaration_error("int type;"),
                StartsWith("the map 'm' has no number as its 'type'"));
    EXPECT_THAT(declaration_error("__uint(type, 1); __uint(key_size, 8); __type(key, int);"),
                StartsWith("the map 'm' has a key of both 8 and 4 bytes"));
    EXPECT_THAT(declaration_error("__uint(type, 1); __type(value, struct unknown);"),
                StartsWith("the map 'm' has no type of known size as its 'value'"));
    EXPECT_THAT(declaration_error("__uint(type, 1); __array(values, int(void));"),
                StartsWith("the map 'm' has 'values' before its type, or is no map of maps"));
    EXPECT_THAT(declaration_error("__uint(type, 12); int *values[2];"),
                StartsWith("the map 'm' has 'values' that are no array of pointers"));
    EXPECT_THAT(declaration_error("__uint(type, 12); __array(values, struct { __uint(type, 12); "
                                  "__array(values, struct { __uint(type, 1); }); });"),
                StartsWith("the map 'm.inner' holds maps and is in a map"));
    EXPECT_THAT(parse_error("int m SEC(\".maps\");"),
                StartsWith("the map 'm' is a void (type 0), not a struct"));
}

TEST(maps, slots_that_hold_no_map_are_refused) {
    EXPECT_THAT(parse_error(R"(
struct inner { __uint(type, 2); __uint(max_entries, 1); __type(key, int); __type(value, int); } other;
struct { __uint(type, 12); __uint(max_entries, 4); __type(key, int); __array(values, struct inner); }
    outer SEC(".maps") = {.values = {&other}};
)"),
                StartsWith("slot 0 of the map 'outer' holds 'other', which is no map of section"));
    EXPECT_THAT(parse_error(R"(
struct inner { __uint(type, 2); __uint(max_entries, 1); __type(key, int); __type(value, int); } i SEC(".maps");
struct { __uint(type, 12); __uint(max_entries, 4); __type(key, int); __array(values, struct inner); }
    outer SEC(".maps") = {.values = {[4] = &i}};
)"),
                StartsWith("slot 4 of the map 'outer' exceeds its 4 entries"));
}

TEST(maps, slots_of_hashes_are_keys) {
    const object_file file = parse(R"(
struct inner { __uint(type, 2); __uint(max_entries, 1); __type(key, int); __type(value, int); } i SEC(".maps");
struct { __uint(type, 13); __uint(max_entries, 1); __type(key, int); __array(values, struct inner); }
    outer SEC(".maps") = {.values = {[1917] = &i}};
)");
    const object_map &outer = find_map(file, "outer");
    ASSERT_EQ(outer.slots.size(), 1U);
    EXPECT_EQ(outer.slots[0].index, 1917U);
}

TEST(maps, declared_maps_need_types) {
    EXPECT_THAT(parse_error(declare("__uint(type, 1);"), "-O2"),
                StartsWith("maps in section '.maps' without BTF that describes them: compile with "
                           "`clang -g`"));
}

TEST(maps, legacy_definitions_of_all_sizes) {
    const object_file file = parse(R"(
SEC("maps") struct { unsigned type, key, value, entries; } four = {1, 4, 8, 16};
SEC("maps/five") struct { unsigned type, key, value, entries, flags; } five = {2, 4, 9, 17, 1024};
SEC("maps") struct { unsigned type, key, value, entries, flags, more[4]; } nine = {6, 4, 8, 18, 0};
SEC("xdp") int p(void *ctx) { return use(&nine) + use(&four) + use(&five); }
)",
                                   "-O2");
    ASSERT_EQ(file.maps().size(), 3U);
    const object_map &five = find_map(file, "five");
    EXPECT_EQ(five.definition.type, map_type::array);
    EXPECT_EQ(five.definition.key_size, 4U);
    EXPECT_EQ(five.definition.value_size, 9U);
    EXPECT_EQ(five.definition.max_entries, 17U);
    EXPECT_EQ(five.definition.flags, map_mmapable);
    EXPECT_EQ(five.origin, map_origin::legacy);
    EXPECT_EQ(find_map(file, "four").definition.max_entries, 16U);
    EXPECT_EQ(find_map(file, "nine").definition.type, map_type::percpu_array);
    EXPECT_EQ(link(file, "p").maps.size(), 3U);
}

TEST(maps, static_legacy_maps_are_found_by_their_place) {
    const object_file file = parse(R"(
struct map { unsigned type, key, value, entries, flags; };
static struct map SEC("maps") a = {1, 4, 4, 1}, SEC("maps") b = {2, 4, 4, 1};
SEC("xdp") int p(void *ctx) { return use(&b); }
)",
                                   "-O2");
    EXPECT_EQ(file.maps()[link(file, "p").maps.at(0)].definition.name, "b");
}

TEST(maps, wrong_legacy_definitions_are_refused) {
    EXPECT_THAT(parse_error("SEC(\"maps\") unsigned m[6] = {1, 4, 4, 1, 0, 2};", "-O2",
                            error_code::unsupported),
                StartsWith("the map 'm' has the value 2 at offset 20, whose meaning depends on"));
    // Of a map of maps, and of a node of memory, other loaders say more, and in more words.
    EXPECT_THAT(parse_error("SEC(\"maps\") unsigned m[6] = {12, 4, 4, 1, 0, 3};", "-O2",
                            error_code::unsupported),
                StartsWith("the map 'm' has the value 3 at offset 20, whose meaning depends on"));
    EXPECT_THAT(parse_error("SEC(\"maps\") unsigned m[7] = {1, 4, 4, 1, 4, 0, 1};", "-O2",
                            error_code::unsupported),
                StartsWith("the map 'm' has the value 1 at offset 24, whose meaning depends on"));
    EXPECT_THAT(parse_error("SEC(\"maps\") unsigned m[9] = {1, 4, 4, 1, 0, 0, 0, 5};", "-O2",
                            error_code::unsupported),
                StartsWith("the map 'm' has the value 5 at offset 28, whose meaning depends on"));
    EXPECT_THAT(parse_error("SEC(\"maps\") unsigned m[3] = {1, 4, 4};", "-O2"),
                StartsWith("the map 'm' (12 bytes at 0) is no struct of at least 16 bytes"));
}

TEST(maps, legacy_definitions_of_iproute2) {
    const object_file file = parse(R"(
struct elf_map { unsigned type, key, value, entries, flags, id, pinning; };
struct longer { struct elf_map m; unsigned inner_id, inner_slot; };
SEC("maps") struct elf_map calls = {3, 4, 4, 8, 0, 2, 1};
SEC("maps") struct longer more = {{3, 4, 4, 8, 0, 7, 0}};
SEC("maps") struct elf_map plain = {1, 4, 8, 16, 0, 9, 2};
SEC("maps") struct longer inside = {{2, 4, 8, 5, 0, 11, 0}, 0, -1};
SEC("maps") struct longer outside = {{13, 4, 4, 3, 0, 0, 1}, 11, -1};
SEC("classifier") int p(void *ctx) {
    return use(&calls) + use(&more) + use(&plain) + use(&inside) + use(&outside);
}
SEC("2/0") int first(void *ctx) { return 1; }
SEC("2/7") int last(void *ctx) { return 2; }
SEC("2/8") int beyond(void *ctx) { return 3; }
SEC("7/3") int other(void *ctx) { return 4; }
SEC("9/3") int no_array(void *ctx) { return 5; }
SEC("2/") int no_place(void *ctx) { return 6; }
)",
                                   "-O2");
    const object_map &calls = find_map(file, "calls");
    ASSERT_EQ(calls.slots.size(), 2U);
    EXPECT_EQ(calls.slots[0].name, "first");
    EXPECT_EQ(calls.slots[0].index, 0U);
    EXPECT_TRUE(calls.slots[0].is_program);
    EXPECT_EQ(calls.slots[1].name, "last");
    EXPECT_EQ(calls.slots[1].index, 7U);
    EXPECT_TRUE(calls.pinned);
    EXPECT_FALSE(find_map(file, "more").pinned);
    ASSERT_EQ(find_map(file, "more").slots.size(), 1U);
    EXPECT_EQ(find_map(file, "more").slots[0].name, "other");
    EXPECT_TRUE(find_map(file, "plain").slots.empty());
    const auto &inner = find_map(file, "outside").inner;
    ASSERT_TRUE(inner);
    EXPECT_EQ(inner->name, "inside");
    EXPECT_EQ(inner->max_entries, 5U);
    EXPECT_EQ(find_map(file, "plain").definition.max_entries, 16U);
}

TEST(maps, legacy_definitions_of_gobpf) {
    constexpr std::string_view layout =
        "struct map_def { unsigned type, key, value, entries, "
        "flags, pinning; char folder[256]; };\n";
    const object_file file = parse(std::string{layout} + R"(
SEC("maps/a") struct map_def a = {1, 4, 8, 16, 1, 2, "tcptracer"};
SEC("maps/b") struct map_def b = {2, 4, 8, 17, 0, 0, ""};
SEC("kprobe/f") int p(void *ctx) { return use(&a) + use(&b); }
)",
                                   "-O2");
    EXPECT_EQ(find_map(file, "a").definition.max_entries, 16U);
    EXPECT_EQ(find_map(file, "a").definition.flags, map_no_prealloc);
    EXPECT_TRUE(find_map(file, "a").pinned);
    EXPECT_EQ(find_map(file, "b").definition.type, map_type::array);
    EXPECT_FALSE(find_map(file, "b").pinned);
    EXPECT_THAT(
        parse_error(std::string{layout} + "SEC(\"maps\") struct map_def m = {1, 4, 4, 1, 0, 9};",
                    "-O2", error_code::unsupported),
        StartsWith("the map 'm' has the value 9 at offset 20, whose meaning depends on"));
    EXPECT_THAT(
        parse_error(std::string{layout} +
                        "SEC(\"maps\") struct map_def m = {1, 4, 4, 1, 0, 1, {'a', 0, 'b'}};",
                    "-O2", error_code::unsupported),
        StartsWith("the map 'm' has the value 1 at offset 20, whose meaning depends on"));
}

TEST(maps, legacy_maps_of_maps_of_the_kernels_samples) {
    const object_file file = parse(R"(
struct map_def { unsigned type, key, value, entries, flags, inner, node; };
SEC("maps") struct map_def first = {2, 4, 8, 5};
SEC("maps") struct map_def outer = {12, 4, 4, 3, 4, 3, 1};
SEC("maps") struct map_def of_first = {13, 4, 4, 3};
SEC("maps") struct map_def last = {1, 4, 16, 7};
SEC("maps") struct map_def beyond = {12, 4, 4, 3, 0, 99};
SEC("socket") int p(void *ctx) { return use(&outer) + use(&of_first) + use(&beyond); }
)",
                                   "-O2");
    const object_map &outer = find_map(file, "outer");
    ASSERT_TRUE(outer.inner);
    EXPECT_EQ(outer.inner->name, "last");
    EXPECT_EQ(outer.definition.numa_node, 1U);
    ASSERT_TRUE(find_map(file, "of_first").inner);
    EXPECT_EQ(find_map(file, "of_first").inner->name, "first");
    EXPECT_FALSE(find_map(file, "beyond").inner);
}

/// Their loaders put the maps inside; what is first is no map that could be.
TEST(maps, legacy_maps_of_maps_of_other_loaders) {
    const object_file file = parse(R"(
SEC("maps") unsigned table[7] = {3, 4, 4, 8};
SEC("maps") unsigned outer[7] = {12, 4, 4, 3};
SEC("socket") int p(void *ctx) { return use(outer) + use(table); }
)",
                                   "-O2");
    EXPECT_FALSE(find_map(file, "outer").inner);
}

TEST(maps, references_between_maps_are_refused) {
    const auto file = object_file::parse(compile(R"(
.section xdp,"ax"
.globl p
.type p,@function
p: r1 = m+4 ll
exit
.size p, .-p
.section maps,"aw"
.globl m
.type m,@object
m: .long 1, 4, 4, 1
.size m, 16
)",
                                                 "", "assembler"));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_THAT(link_error(*file, "p", error_code::bad_object),
                HasSubstr("reference to offset 4 of section 'maps', where no map begins, at"));
}

TEST(maps, indexes_that_the_object_itself_has_are_checked) {
    const auto file = object_file::parse(compile(R"(
.section xdp,"ax"
.globl p
.type p,@function
p:
.byte 0x18, 0x51, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
exit
.size p, .-p
)",
                                                 "", "assembler"));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_THAT(link_error(*file, "p", error_code::bad_object),
                StartsWith("map 0 of an object that has 0 at instruction 0 of function 'p'"));
}

}  // namespace bpftime::vm::object::test
