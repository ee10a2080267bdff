// bpftime-vm: tests of several objects as one
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/isa.hpp"
#include "support.hpp"

#include <gmock/gmock.h>

namespace bpftime::vm::object::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

result<object_file> try_combine(const std::vector<std::string> &sources) {
    std::vector<object_file> files;
    for (const std::string &source : sources) files.push_back(parse(source));
    return object_file::combine(files);
}

object_file combine(const std::vector<std::string> &sources) {
    auto file = try_combine(sources);
    if (not file) throw std::runtime_error{file.error().message};
    return std::move(*file);
}

std::string refusal(const std::vector<std::string> &sources) {
    const auto file = try_combine(sources);
    if (file) return "combined";
    EXPECT_EQ(file.error().code, error_code::invalid_argument);
    return file.error().message;
}

std::vector<std::string> names(const bytecode &linked) {
    std::vector<std::string> found;
    for (const linked_function &f : linked.functions) found.push_back(f.name);
    return found;
}

}  // namespace

TEST(combine, functions_are_found_in_other_objects) {
    const object_file file = combine({
        "extern long helper(long); SEC(\"xdp\") int p(void *ctx) { return helper(3); }",
        "NOINLINE static long inner(long a) { asm volatile(\"\" : \"+r\"(a)); return a; }"
        "NOINLINE long helper(long a) { return inner(a) + 1; }",
        "NOINLINE static long inner(long a) { asm volatile(\"\" : \"+r\"(a)); return a + 5; }"
        "SEC(\"xdp\") int q(void *ctx) { return inner(3); }",
    });
    const bytecode p = link(file, "p");
    EXPECT_THAT(names(p), ElementsAre("p", "helper", "inner"));
    EXPECT_EQ(p.functions[2].end - p.functions[2].begin, 2U) << "the inner of helper, not of q";
    EXPECT_THAT(names(link(file, "q")), ElementsAre("q", "inner"));
    EXPECT_THAT(p.lines.find(p.functions[1].begin)->text, HasSubstr("long helper(long a)"));
}

TEST(combine, sections_of_data_follow_each_other) {
    const object_file file = combine({
        "char one = 1; static volatile char mine = 2; extern long two;"
        "SEC(\"xdp\") int p(void *ctx) { return ++one + mine + two; }",
        "long two = 3; static volatile int mine = 4; int zeros[3];"
        "SEC(\"tc\") int q(void *ctx) { return mine + ++zeros[1]; }",
    });
    EXPECT_THAT(file.maps(), SizeIs(2));
    const object_map &data = find_map(file, ".data");
    EXPECT_THAT(data.contents,
                ElementsAre(1, 2, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0));
    EXPECT_EQ(file.global("two")->offset, 8U);
    EXPECT_EQ(file.types()->describe(file.types()->resolve(file.global("two")->type)), "int long");
    EXPECT_THAT(references_in(link(file, "q")),
                testing::Contains("lddw %r1, map_val(map_by_idx(0))+16"));
    EXPECT_THAT(references_in(link(file, "p")),
                testing::Contains(HasSubstr("map_val(map_by_idx(0))+8")));
}

const std::string map = R"(
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, int); __type(value, long); } m SEC(".maps");
)";

TEST(combine, maps_of_one_definition_are_one) {
    const std::string first = map + "SEC(\"xdp\") int p(void *ctx) { return use(&m); }";
    const std::string second = map +
                               "struct { __uint(type, 2); __uint(max_entries, 1); __type(key, "
                               "int); __type(value, int); } n SEC(\".maps\");"
                               "SEC(\"xdp\") int q(void *ctx) { return use(&m) + use(&n); }";
    const object_file file = combine({first, second});
    EXPECT_THAT(file.maps(), SizeIs(2));
    EXPECT_EQ(file.maps()[link(file, "p").maps.at(0)].definition.name, "m");
    EXPECT_THAT(link(file, "q").maps, SizeIs(2));
}

TEST(combine, external_maps_are_found) {
    const object_file file = combine({
        R"(extern struct { __uint(type, 1); __uint(max_entries, 8); __type(key, int); __type(value, long); } m SEC(".maps");
SEC("xdp") int p(void *ctx) { return use(&m); })",
        map,
    });
    EXPECT_THAT(file.maps(), SizeIs(1));
    EXPECT_THAT(link(file, "p").maps, SizeIs(1));
}

TEST(combine, two_definitions_are_refused) {
    EXPECT_EQ(refusal({"int f(void) { return 1; }", "int f(void) { return 2; }"}),
              "objects 0 and 1 both define 'f': make one of them static or __weak");
    EXPECT_EQ(refusal({map, R"(struct { __uint(type, 1); __uint(max_entries, 9);
                               __type(key, int); __type(value, long); } m SEC(".maps");)"}),
              "objects 0 and 1 define the map 'm' differently");
    EXPECT_EQ(
        refusal({"SEC(\"license\") char a[] = \"GPL\";", "SEC(\"license\") char b[] = \"MIT\";"}),
        "the objects have different sections 'license'");
    EXPECT_EQ(refusal({}), "no objects to combine");
}

TEST(combine, weak_definitions_give_way) {
    const object_file file = combine({
        "WEAK NOINLINE long f(void) { return 1; } WEAK int v = 1;"
        "SEC(\"xdp\") int p(void *ctx) { return f() + v; }",
        "NOINLINE long f(void) { return 2; } int v = 2;"
        "SEC(\"license\") char a[] = \"GPL\";",
        "WEAK NOINLINE long f(void) { return 3; } SEC(\"license\") char a[] = \"GPL\";"
        "static int unused;",
    });
    const bytecode p = link(file, "p");
    ASSERT_THAT(p.functions, SizeIs(2));
    EXPECT_EQ(isa::read_slot(p.code, p.functions[1].begin).imm, 2);
    EXPECT_EQ(file.value_of("v")->at(0), 2);
}

TEST(combine, what_nobody_defines_is_refused_when_linked) {
    const object_file file =
        combine({"extern long f(void); SEC(\"xdp\") int p(void *ctx) { return f(); }", map});
    EXPECT_THAT(link_error(file, "p"), StartsWith("program 'p' needs the external function 'f'"));
}

TEST(combine, types_of_targets_are_asked_by_all_objects) {
    constexpr std::string_view source =
        "struct s { int a, b; } __attribute__((preserve_access_index));";
    const object_file file = combine({
        std::string{source} + "SEC(\"xdp\") int p(struct s *ctx) { return ctx->b; }",
        std::string{source} + "SEC(\"xdp\") int q(struct s *ctx) { return ctx->b; }",
    });
    const auto types = btf::read(compile("struct s { long pad; int b; } x;", "-O2 -g"));
    ASSERT_TRUE(types);
    for (const auto *name : {"p", "q"})
        EXPECT_EQ(isa::read_slot(link(file, name, {.target = &*types}).code, 0).offset, 8) << name;
}

TEST(combine, values_that_were_set_are_kept) {
    std::vector<object_file> files;
    files.push_back(
        parse("int zero; const volatile int limit = 1; SEC(\"xdp\") int p(void *c) { return ++zero "
              "+ limit; }"));
    files.push_back(parse("int more; SEC(\"xdp\") int q(void *c) { return ++more; }"));
    ASSERT_TRUE(files[0].set("limit", 9));
    ASSERT_TRUE(files[0].set("zero", 7));
    const auto file = object_file::combine(files);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->value_of("limit")->at(0), 9);
    EXPECT_EQ(file->value_of("zero")->at(0), 7);
    EXPECT_EQ(file->value_of("more")->at(0), 0);
}

TEST(combine, zeros_of_no_file_are_limited) {
    const auto from_text = [](const std::string &text) {
        auto file = object_file::parse(compile(text, "", "assembler"));
        if (not file) throw std::runtime_error{file.error().message};
        return std::move(*file);
    };
    std::vector<object_file> files;
    files.push_back(from_text(".section .data.a,\"aw\",@progbits\n.long 1\n"));
    files.push_back(from_text(".section .data.a,\"aw\",@nobits\n.zero 0x8000000\n"));
    const auto file = object_file::combine(files);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, error_code::limit_exceeded);
    EXPECT_EQ(file.error().message,
              "section '.data.a' has contents in one object and none in another, and would need "
              "more than 67108864 zero bytes");
}

}  // namespace bpftime::vm::object::test
