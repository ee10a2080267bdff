// bpftime-vm: tests of reading and setting variables before programs run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bpftime::vm::object::test {

namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::string_view source = R"(
const volatile int limit = 5;
const volatile unsigned char small = 1;
static volatile long hidden = 7;
long zeros[4];
char name[8] = "abc";
extern int CONFIG_HZ KCONFIG;
SEC("xdp") int p(int *ctx) { return limit + small + hidden + zeros[*ctx & 3] + name[*ctx & 7] + CONFIG_HZ; }
)";

template <typename T>
std::string refusal(const result<T> &r, error_code code = error_code::invalid_argument) {
    if (r) return "accepted";
    EXPECT_EQ(r.error().code, code);
    return r.error().message;
}

}  // namespace

TEST(globals, have_places_and_types) {
    const object_file file = parse(source);
    const auto limit = file.global("limit");
    ASSERT_TRUE(limit) << limit.error().message;
    EXPECT_EQ(file.maps()[limit->map].definition.name, ".rodata");
    EXPECT_EQ(limit->size, 4U);
    EXPECT_EQ(file.types()->describe(file.types()->resolve(limit->type)), "int int");
    EXPECT_EQ(file.maps()[file.global("zeros")->map].definition.name, ".bss");
    EXPECT_EQ(file.global("hidden")->size, 8U);
    EXPECT_EQ(file.maps()[file.global("CONFIG_HZ")->map].definition.name, ".kconfig");
    EXPECT_EQ(parse(source.substr(0, source.find("extern")), "-O2").global("limit")->type, 0U);
}

TEST(globals, have_values) {
    const object_file file = parse(source);
    EXPECT_THAT(file.value_of("limit").value(), ElementsAre(5, 0, 0, 0));
    EXPECT_THAT(file.value_of("name").value(), ElementsAre('a', 'b', 'c', 0, 0, 0, 0, 0));
    EXPECT_THAT(file.value_of("zeros").value(), AllOf(SizeIs(32), Each(0)));
}

TEST(globals, can_be_set) {
    object_file file = parse(source);
    EXPECT_TRUE(file.set("limit", -2));
    EXPECT_TRUE(file.set("small", 255));
    EXPECT_TRUE(file.set("hidden", INT64_MIN));
    EXPECT_THAT(link_error(file, "p"), HasSubstr("kernel configuration 'CONFIG_HZ'"));
    EXPECT_TRUE(file.set("CONFIG_HZ", 250));
    EXPECT_THAT(link(file, "p").maps, SizeIs(4));
    const std::vector<uint8_t> bytes(32, 9);
    EXPECT_TRUE(file.set("zeros", bytes));
    EXPECT_THAT(file.value_of("limit").value(), ElementsAre(0xfe, 0xff, 0xff, 0xff));
    EXPECT_THAT(file.value_of("small").value(), ElementsAre(255));
    EXPECT_THAT(find_map(file, ".bss").contents, AllOf(SizeIs(32), Each(9)));
    EXPECT_THAT(find_map(file, ".kconfig").contents, ElementsAre(250, 0, 0, 0));
}

TEST(globals, wrong_values_are_refused) {
    object_file file = parse(source);
    EXPECT_THAT(
        refusal(file.set("limit", int64_t{1} << 31)),
        StartsWith("2147483648 is no value of the variable 'limit' (4 bytes, const volatile int)"));
    EXPECT_THAT(refusal(file.set("small", -1)),
                StartsWith("-1 is no value of the variable 'small'"));
    EXPECT_THAT(refusal(file.set("zeros", 1)),
                StartsWith("1 is no value of the variable 'zeros' (32 bytes, long[4])"));
    EXPECT_EQ(refusal(file.set("limit", std::vector<uint8_t>(3))),
              "3 bytes for the variable 'limit', which has 4");
    EXPECT_EQ(refusal(file.set("nothing", 1), error_code::not_found),
              "the object has no global variable 'nothing'");
    EXPECT_EQ(refusal(file.global("p"), error_code::not_found),
              "the object has no global variable 'p'");
}

TEST(globals, are_listed) {
    EXPECT_THAT(parse(source).variables(),
                ElementsAre("limit", "small", "name", "hidden", "zeros", "CONFIG_HZ"));
    const auto bytes = compile(R"(
const volatile int limit = 5;
static volatile int hidden = 1;
char name[8];
__attribute__((section("license"))) char licence[] = "GPL";
__attribute__((section("xdp"))) int p(int *ctx) { return limit + hidden + name[*ctx & 7] + (*"text" + ctx[1]); })",
                               "-O2");
    EXPECT_THAT(object_file::parse(bytes)->variables(),
                testing::UnorderedElementsAre("limit", "hidden", "name"))
        << "symbols tell of them, too";
}

TEST(globals, have_parts) {
    object_file file = parse(R"(
struct limits { int least; struct { short most[4]; union { char low; int all; }; }; int bit : 3; };
struct limits limits[2] = {{1, {{2, 3}, {4}}, 0}};
struct limits *pointer = 0;
SEC("xdp") int p(int *ctx) { static int counter; return limits[*ctx & 1].least + counter++ + (pointer != 0); }
)");
    const auto whole = file.global("limits").value();
    const auto part = file.global("limits[1].most[2]");
    ASSERT_TRUE(part) << part.error().message;
    EXPECT_EQ(part->map, whole.map);
    EXPECT_EQ(part->offset, whole.offset + whole.size / 2 + 4 + 4);
    EXPECT_EQ(part->size, 2U);
    EXPECT_THAT(file.value_of("limits[0].all").value(), ElementsAre(4, 0, 0, 0));
    ASSERT_TRUE(file.set("limits[0].most[1]", -2));
    EXPECT_THAT(file.value_of("limits[0].most").value(), ElementsAre(2, 0, 0xfe, 0xff, 0, 0, 0, 0));
    EXPECT_EQ(file.global("p.counter")->size, 4U);
    for (const auto &[name, why] : std::initializer_list<std::pair<const char *, const char *>>{
             {"limits[2]", "'limits' has 2 elements"},
             {"limits[4294967296]", "'limits' is an array: '[4294967296]' is no [NUMBER]"},
             {"limits[-1]", "'limits' is an array: '[-1]' is no [NUMBER]"},
             {"limits[]", "'limits' is an array: '[]' is no [NUMBER]"},
             {"limits[", "'limits' is an array: '[' is no [NUMBER]"},
             {"limits[0]x", "'limits' is an array: '[0]x' is no [NUMBER]"},
             {"limits.least", "'limits' is no struct, but of type struct limits[2]"},
             {"limits[0].", "'limits[0]' has no member ''"},
             {"limits[0].some", "'limits[0]' has no member 'some'"},
             {"limits[0].bit", "'limits[0]' has 'bit' as a bit field: it has no bytes of its own"},
             {"pointer.least", "'pointer' is no struct, but of type struct limits *"},
             {"p.counter[0]", "'p.counter' is no array, but of type int"}}) {
        EXPECT_THAT(refusal(file.global(name), error_code::not_found), HasSubstr(why)) << name;
    }
    EXPECT_EQ(refusal(file.global("limit.least"), error_code::not_found),
              "the object has no global variable 'limit.least'");
    EXPECT_THAT(refusal(parse(R"(
struct { int least; } limits;
SEC("xdp") int p(int *ctx) { return limits.least; })",
                              "-O2")
                            .global("limits.least"),
                        error_code::not_found),
                HasSubstr("it has 'limits', but no types (clang -g)"));
}

/// Members without names may, in a hostile object, be the struct itself.
TEST(globals, parts_of_what_contains_itself_are_looked_for_a_while) {
    auto bytes = compile(R"(
struct outer { struct { int a; }; struct { int b; }; };
struct outer all;
int p(int *ctx) { return all.a + all.b; })");
    const object_file file = object_file::parse(bytes).value();
    const uint32_t outer = file.types()->find("outer", btf_kind::structure).value();
    const auto members = file.types()->members(file.types()->type(outer));
    // As the file has them: name, type, offset.
    const std::array<uint32_t, 6> there{0, members[0].type, 0, 0, members[1].type, 32};
    const std::array<uint32_t, 6> itself{0, outer, 0, 0, outer, 32};
    std::vector<uint8_t> wanted(sizeof there);
    std::memcpy(wanted.data(), there.data(), sizeof there);
    const auto found = std::ranges::search(bytes, wanted);
    ASSERT_FALSE(found.empty());
    std::memcpy(&*found.begin(), itself.data(), sizeof itself);
    EXPECT_THAT(refusal(object_file::parse(bytes).value().global("all.c"), error_code::not_found),
                HasSubstr("'all' has no member 'c'"));
}

TEST(globals, static_variables_of_one_name_are_ambiguous) {
    const auto bytes = compile(
        ".data\n.type v,@object\nv: .long 1\n.size v, 4\n"
        ".section .data.more,\"aw\"\n.type w,@object\nw: .long 1\n.size w, 4\n",
        "", "assembler");
    auto twice = bytes;
    // The names lie next to each other in the string table: call w another v.
    for (std::size_t i = 0; i + 3 < twice.size(); ++i) {
        if (twice[i] == 0 and twice[i + 1] == 'w' and twice[i + 2] == 0) twice[i + 1] = 'v';
    }
    EXPECT_TRUE(object_file::parse(bytes)->global("v"));
    EXPECT_THAT(refusal(object_file::parse(twice)->global("v")),
                StartsWith("the object has 2 static variables 'v'"));
}

}  // namespace bpftime::vm::object::test
