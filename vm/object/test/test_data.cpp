// bpftime-vm: tests of data sections over objects that clang makes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "program/program.hpp"
#include "support.hpp"

#include <gmock/gmock.h>

#include <cstring>

namespace bpftime::vm::object::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

std::vector<std::string> names_of(std::span<const object_map> maps) {
    std::vector<std::string> names;
    for (const object_map &m : maps) names.push_back(m.definition.name);
    return names;
}

std::vector<std::string> functions_of(const bytecode &linked) {
    std::vector<std::string> names;
    for (const linked_function &f : linked.functions) names.push_back(f.name);
    return names;
}

uint32_t slot_of(const bytecode &linked, std::string_view name) {
    return std::ranges::find(linked.functions, name, &linked_function::name)->begin;
}

}  // namespace

TEST(data, sections_become_maps) {
    const object_file file = parse(R"(
int counter = 7;
volatile const int limit = 9;
long zeros[4];
int tuned SEC(".data.tuned") = 1;
const volatile int fixed SEC(".rodata.fixed") = 2;
SEC("license") char text[] = "GPL";
SEC("xdp") int p(void *ctx) { return ++counter + limit + ++zeros[1] + ++tuned + fixed; }
)");
    EXPECT_THAT(
        names_of(file.maps()),
        testing::UnorderedElementsAre(".data", ".rodata", ".bss", ".data.tuned", ".rodata.fixed"));
    const object_map &data = find_map(file, ".data");
    EXPECT_EQ(data.definition.type, map_type::array);
    EXPECT_EQ(data.definition.key_size, 4U);
    EXPECT_EQ(data.definition.value_size, 4U);
    EXPECT_EQ(data.definition.max_entries, 1U);
    EXPECT_EQ(data.definition.flags, map_mmapable);
    EXPECT_THAT(data.contents, ElementsAre(7, 0, 0, 0));
    EXPECT_FALSE(data.frozen);
    EXPECT_EQ(data.origin, map_origin::data);
    EXPECT_EQ(file.types()->describe(data.value_type), "section .data");

    const object_map &rodata = find_map(file, ".rodata");
    EXPECT_EQ(rodata.definition.flags, map_rdonly_prog | map_mmapable);
    EXPECT_TRUE(rodata.frozen);
    EXPECT_TRUE(find_map(file, ".rodata.fixed").frozen);

    const object_map &bss = find_map(file, ".bss");
    EXPECT_EQ(bss.definition.value_size, 32U);
    EXPECT_THAT(bss.contents, SizeIs(0));
}

TEST(data, references_are_bytes_of_the_element) {
    const object_file file = parse(R"(
volatile int shown = 4;
static volatile int hidden = 3;
SEC("xdp") int p(void *ctx) { return hidden + shown; }
)");
    EXPECT_THAT(references_in(link(file, "p")),
                testing::UnorderedElementsAre("lddw %r1, map_val(map_by_idx(0))+4",
                                              "lddw %r2, map_val(map_by_idx(0))+0"));
}

TEST(data, strings_and_named_sections_are_data) {
    const object_file file = parse(R"(
int odd SEC("my_section") = 3;
int unused SEC("other_section") = 3;
SEC("xdp") int p(void *ctx) { return use("hello") + ++odd; }
)");
    EXPECT_THAT(names_of(file.maps()),
                testing::UnorderedElementsAre("my_section", ".rodata.str1.1"));
    EXPECT_TRUE(find_map(file, ".rodata.str1.1").frozen);
    EXPECT_FALSE(find_map(file, "my_section").frozen);
    EXPECT_THAT(link(file, "p").maps, SizeIs(2));
}

TEST(data, pointers_in_data) {
    const object_file file = parse(R"(
NOINLINE static long twice(long a) { return 2 * a; }
NOINLINE long thrice(long a) { return 3 * a; }
struct { __uint(type, 2); __uint(max_entries, 1); __type(key, int); __type(value, int); } m SEC(".maps");
int numbers[8];
static volatile int secret = 3;
long (*functions[2])(long) = {twice, thrice};
int *element = &numbers[5];
volatile int *hidden = &secret;
void *map = &m;
SEC("xdp") int p(long *ctx) { return functions[*ctx & 1](3) + *element + *hidden + use(map); }
SEC("xdp") int q(long *ctx) { return numbers[0]; }
)");
    const bytecode linked = link(file, "p");
    EXPECT_THAT(functions_of(linked), ElementsAre("p", "twice", "thrice"));
    ASSERT_THAT(linked.pointers, SizeIs(5));
    const auto index = [&](std::string_view name) {
        return static_cast<uint32_t>(&find_map(file, name) - file.maps().data());
    };
    const auto &pointers = linked.pointers;
    const auto count = [&](pointer_target kind) {
        return std::ranges::count(pointers, kind, &data_pointer::kind);
    };
    EXPECT_EQ(count(pointer_target::function), 2);
    EXPECT_EQ(count(pointer_target::data), 2);
    for (const data_pointer &p : pointers) {
        EXPECT_EQ(p.map, index(".data"));
        const bool bss = p.kind == pointer_target::data and p.target == index(".bss");
        EXPECT_TRUE(p.kind != pointer_target::map or p.target == index("m"));
        EXPECT_TRUE(not bss or p.addend == 20);
    }
    EXPECT_EQ(pointers[0].kind, pointer_target::function);
    EXPECT_EQ(pointers[0].target, slot_of(linked, "twice"));
    EXPECT_EQ(pointers[1].target, slot_of(linked, "thrice"));
    EXPECT_THAT(linked.maps, SizeIs(3));
    EXPECT_THAT(link(file, "q").pointers, SizeIs(0));
}

TEST(data, references_outside_a_section_are_refused) {
    const auto file = object_file::parse(compile(R"(
.section xdp,"ax"
.globl end
.type end,@function
end: r1 = counter+4 ll
exit
.size end, .-end
.globl beyond
.type beyond,@function
beyond: r1 = counter+5 ll
exit
.size beyond, .-beyond
.data
.globl counter
.type counter,@object
counter: .long 7
.size counter, 4
)",
                                                 "", "assembler"));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_THAT(references_in(link(*file, "end")),
                ElementsAre("lddw %r1, map_val(map_by_idx(0))+4"));
    EXPECT_THAT(
        link_error(*file, "beyond", error_code::bad_object),
        StartsWith("reference to byte 5 of section '.data', which has 4, at instruction 0"));
}

// clang 19 makes no jump tables yet: an instruction of the later form, by hand.
TEST(data, jump_tables) {
    const auto bytes = compile(R"(
.section xdp,"ax"
.globl before
.type before,@function
before:
    r0 = 0
    exit
.size before, .-before
.globl p
.type p,@function
p:
    r2 = *(u32 *)(r1 + 0)
    r2 &= 1
    r2 <<= 3
    r1 = table ll
    r1 += r2
    r1 = *(u64 *)(r1 + 0)
    .byte 0x0d, 0x01, 0, 0, 0, 0, 0, 0
one:
    r0 = 1
    exit
two:
    r0 = 2
    exit
.size p, .-p
.section .jumptables,"",@progbits
    .quad 0
.type table,@object
table:
    .quad one
    .quad two
.size table, .-table
)",
                               "-mcpu=v3", "assembler");
    const auto file = object_file::parse(bytes);
    ASSERT_TRUE(file) << file.error().message;
    const bytecode linked = link(*file, "p");
    EXPECT_THAT(references_in(linked), ElementsAre("lddw %r1, map_val(map_by_idx(0))+8"));
    EXPECT_EQ(file->maps()[0].origin, map_origin::jump_tables);
    EXPECT_TRUE(file->maps()[0].frozen);
    EXPECT_THAT(linked.jump_targets, ElementsAre(8, 10));
    ASSERT_THAT(linked.pointers, SizeIs(2));
    EXPECT_EQ(linked.pointers[0].offset, 8U);
    EXPECT_EQ(linked.pointers[0].target, 8U);
    EXPECT_EQ(linked.pointers[1].offset, 16U);
    EXPECT_EQ(linked.pointers[1].target, 10U);
    EXPECT_TRUE(program::load(linked.code, {.jump_targets = linked.jump_targets}));
}

TEST(data, library_functions_come_along) {
    const object_file file = parse(R"(
extern void *memcpy(void *, const void *, unsigned long);
extern void *memset(void *, int, unsigned long);
extern void *memmove(void *, const void *, unsigned long);
extern int memcmp(const void *, const void *, unsigned long);
SEC("xdp") int p(char *ctx, unsigned long n) {
    memset(ctx, 1, n);
    memcpy(ctx + n, ctx, n);
    memmove(ctx + 1, ctx, n);
    return memcmp(ctx, ctx + n, n);
}
)",
                                   "-O2 -mcpu=v3 -fno-builtin");
    const bytecode linked = link(file, "p");
    EXPECT_THAT(functions_of(linked), ElementsAre("p", "memset", "memcpy", "memmove", "memcmp"));
    EXPECT_TRUE(program::load(linked.code));
}

TEST(data, common_symbols_are_refused) {
    const object_file file =
        parse("int shared; SEC(\"xdp\") int p(void *c) { return ++shared; }", "-O2 -fcommon");
    EXPECT_THAT(link_error(file, "p"), StartsWith("program 'p' needs the global data 'shared'"));
}

}  // namespace bpftime::vm::object::test
