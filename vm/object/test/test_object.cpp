// bpftime-vm: tests of the object loader over objects that clang makes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/text.hpp"
#include "program/program.hpp"
#include "support.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace bpftime::vm::object::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// What calls and code addresses of the linked code refer to, as "caller -> callee".
std::vector<std::string> references(const bytecode &linked) {
    const auto loaded = program::load(linked.code);
    if (not loaded) throw std::runtime_error{loaded.error().message};
    const auto name_at = [&](uint32_t pc) {
        for (const linked_function &f : linked.functions) {
            if (pc >= f.begin and pc < f.end) return f.name;
        }
        return std::string{"nothing"};
    };
    std::vector<std::string> found;
    for (uint32_t pc = 0; pc < loaded->size(); ++pc) {
        const isa::insn_id id = loaded->insn(pc).id;
        if (id != isa::insn_id::call_local and id != isa::insn_id::lddw_code) continue;
        const uint32_t target = loaded->callee_pc(pc);
        const bool at_start = std::ranges::find(linked.functions, target,
                                                &linked_function::begin) != linked.functions.end();
        found.push_back(name_at(pc) + (id == isa::insn_id::lddw_code ? " & " : " -> ") +
                        name_at(target) + (at_start ? "" : " (middle)"));
    }
    return found;
}

std::vector<std::string> names(const bytecode &linked) {
    std::vector<std::string> found;
    for (const linked_function &f : linked.functions) found.push_back(f.name);
    return found;
}

// Calls of every form: to static functions (section symbol and addend, or no relocation at all
// within a section), to global functions (function symbol), and into the section of another
// program.
constexpr std::string_view calls = R"(
static NOINLINE long inner(long a) { asm volatile("" : "+r"(a)); return a + 1; }
NOINLINE long outer(long a) { asm volatile("" : "+r"(a)); return inner(a) * 2; }
static NOINLINE long unused_by_first(long a) { return inner(a) * 3; }
SEC("xdp") NOINLINE int first(void *ctx) { return outer(3); }
SEC("xdp") int second(void *ctx) { return inner(3) + first(ctx) + unused_by_first(1); }
SEC("tc") int third(void *ctx) { return 7; }
)";

/// The message for a host that has no maps.
std::string refusal(const object_file &file, std::string_view name) {
    return link_error(file, name, error_code::unsupported, {.maps = false});
}

}  // namespace

TEST(object, lists_programs_and_subprograms) {
    const object_file file = parse(calls);
    std::vector<std::string> programs;
    for (const function_info &f : file.functions()) {
        if (f.is_program) programs.push_back(f.section + "/" + f.name);
    }
    EXPECT_THAT(programs, ElementsAre("xdp/first", "xdp/second", "tc/third"));
    EXPECT_FALSE(find(file, "inner").global);
    EXPECT_TRUE(find(file, "outer").global);
    EXPECT_EQ(find(file, "inner").section, ".text");
    EXPECT_EQ(find(file, "second").offset, find(file, "first").size);
    EXPECT_EQ(find(file, "second").type.program, program_type::xdp);
    EXPECT_EQ(find(file, "third").type.program, program_type::sched_cls);
}

TEST(object, lists_sections) {
    const object_file file = parse(
        "SEC(\"xdp\") int p(void *ctx) { return 2; } int zeros[100]; SEC(\"license\") char l[] = "
        "\"MIT\";");
    const auto section = [&](std::string_view name) {
        return *std::ranges::find(file.sections(), name, &section_info::name);
    };
    EXPECT_TRUE(section("xdp").executable);
    EXPECT_EQ(section("xdp").size, 16U);
    EXPECT_FALSE(section("license").executable);
    EXPECT_EQ(section(".bss").size, 400U);
    EXPECT_FALSE(section(".bss").has_contents);
}

TEST(object, functions_of_text_are_programs_if_there_are_no_others) {
    const object_file globals = parse(
        "NOINLINE static long f(long a) { asm volatile(\"\"); return a; } long g(long a) { return "
        "f(a) + 1; }");
    EXPECT_TRUE(find(globals, "g").is_program);
    EXPECT_FALSE(find(globals, "f").is_program);
    const object_file statics = parse("__attribute__((used)) static long f(long a) { return a; }");
    EXPECT_TRUE(find(statics, "f").is_program);
}

TEST(object, program_without_calls_is_its_own_bytes) {
    const bytecode linked = link(parse(calls), "third");
    EXPECT_EQ(*isa::disassemble(linked.code), "mov32 %r0, 7\nexit\n");
    EXPECT_THAT(names(linked), ElementsAre("third"));
}

TEST(object, calls_are_followed_and_fixed) {
    for (const char *options : {"-O2 -g -mcpu=v1", "-O2 -g -mcpu=v3", "-O2 -g -mcpu=v4",
                                "-O1 -mcpu=v4", "-O2 -ffunction-sections"}) {
        SCOPED_TRACE(options);
        const object_file file = parse(calls, options);
        const bytecode first = link(file, "first");
        EXPECT_THAT(names(first), ElementsAre("first", "outer", "inner"));
        EXPECT_THAT(references(first), ElementsAre("first -> outer", "outer -> inner"));
        const bytecode second = link(file, "second");
        EXPECT_THAT(references(second),
                    ElementsAre("second -> inner", "second -> first", "second -> unused_by_first",
                                "first -> outer", "unused_by_first -> inner", "outer -> inner"));
    }
}

TEST(object, addresses_of_functions_become_code_addresses) {
    const object_file file = parse(R"(
static NOINLINE long callback(long a) { return a * 3; }
NOINLINE long visible(long a) { return a * 5; }
SEC("tc") int p(void *ctx) {
    long (*volatile f)(long) = callback;
    long (*volatile g)(long) = visible;
    return f(3) + g(1);
})");
    EXPECT_THAT(references(link(file, "p")), ElementsAre("p & callback", "p & visible"));
}

TEST(object, recursion_links_once) {
    const object_file file = parse(
        "NOINLINE long down(long n) { asm volatile(\"\" : \"+r\"(n)); return n ? down(n - 1) + n : "
        "0; }"
        "SEC(\"xdp\") int p(void *ctx) { return down(3) + down(4); }",
        "-O1 -mcpu=v3");
    const bytecode linked = link(file, "p");
    EXPECT_THAT(names(linked), ElementsAre("p", "down"));
}

TEST(object, maps_are_refused_by_name) {
    const object_file file = parse(R"(
struct { int (*type)[1]; int (*max_entries)[4]; } counters SEC(".maps"), sessions SEC(".maps");
SEC("maps") struct { unsigned type, key, value, count, flags; } legacy = {1, 4, 4, 1, 0};
static NOINLINE long look(void *map) { return ((long (*)(void *, void *))1)(map, map); }
SEC("xdp") int two(void *ctx) { return look(&counters) + look(&sessions) + look(&counters); }
SEC("xdp") int one(void *ctx) { return look(&legacy); }
SEC("xdp") int none(void *ctx) { return 1; }
)");
    EXPECT_EQ(refusal(file, "two"),
              "program 'two' needs the maps 'counters', 'sessions': bytecode alone has none");
    EXPECT_EQ(refusal(file, "one"),
              "program 'one' needs the map 'legacy': bytecode alone has none");
    EXPECT_EQ(link(file, "none").functions.size(), 1U);
}

TEST(object, maps_in_called_functions_are_found) {
    const object_file file = parse(R"(
struct { int (*type)[1]; } deep SEC(".maps");
NOINLINE long look(void) { return ((long (*)(void *))1)(&deep); }
SEC("xdp") int p(void *ctx) { return look(); }
)");
    EXPECT_EQ(refusal(file, "p"), "program 'p' needs the map 'deep': bytecode alone has none");
}

TEST(object, global_data_is_refused_by_name) {
    const object_file file = parse(R"(
int counter = 1;
static volatile long hidden;
static const volatile int table[4] = {1, 2, 3, 4};
SEC("xdp") int p(int *ctx) { hidden += 2; return ++counter + table[*ctx & 3]; }
)");
    EXPECT_THAT(refusal(file, "p"),
                HasSubstr("program 'p' needs the global data 'hidden', 'counter', 'table': "
                          "bytecode alone has no data"));
}

TEST(object, maps_and_data_make_one_message) {
    const object_file file = parse(R"(
struct { int (*type)[1]; } m SEC(".maps");
int counter;
SEC("xdp") int p(int *ctx) { return ((long (*)(void *))1)(&m) + ++counter; }
)");
    EXPECT_THAT(refusal(file, "p"),
                HasSubstr("needs the map 'm' and the global data 'counter': bytecode alone has "
                          "none; bytecode alone has no data: keep it on the stack"));
}

TEST(object, many_names_are_cut) {
    std::string source;
    std::string body;
    for (int i = 0; i < 12; ++i) {
        source += "int v" + std::to_string(i) + ";\n";
        body += "+ v" + std::to_string(i);
    }
    const object_file file =
        parse(source + "SEC(\"xdp\") int p(void *c) { return 1 " + body + "; }");
    EXPECT_THAT(refusal(file, "p"), HasSubstr("'v7' and more: "));
}

TEST(object, undefined_functions_and_variables_are_refused_by_name) {
    const object_file file = parse(R"(
extern long kernel_function(long a);
extern int kernel_variable;
SEC("xdp") int calls(void *ctx) { return kernel_function(1); }
SEC("xdp") int reads(void *ctx) { return kernel_variable; }
)");
    EXPECT_EQ(link_error(file, "calls"),
              "program 'calls' needs the external function 'kernel_function': the object "
              "does not define it, and it is no kernel function that is supported");
    EXPECT_EQ(link_error(file, "reads"),
              "program 'reads' needs the external variable 'kernel_variable': the object "
              "does not define it: kernel symbols are not supported");
}

TEST(object, assembly_without_sizes) {
    const auto bytes = compile(R"(
.section xdp,"ax"
.globl one
.type one,@function
one: r0 = 1
call two
exit
.globl two
.type two,@function
two: r0 = 0x1122334455667788 ll
exit
)",
                               "-mcpu=v3", "assembler");
    const auto file = object_file::parse(bytes);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(find(*file, "one").size, 24U);
    EXPECT_EQ(find(*file, "two").size, 24U);
    EXPECT_THAT(references(link(*file, "one")), ElementsAre("one -> two"));
}

TEST(object, names_are_printable) {
    const auto bytes = compile(
        ".section \"x\x1b[31m\",\"ax\"\n"
        ".globl \"evil\x1b]0;\a\"\n"
        ".type \"evil\x1b]0;\a\",@function\n"
        "\"evil\x1b]0;\a\": r0 = 1\n"
        "exit\n",
        "", "assembler");
    const auto file = object_file::parse(bytes);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_EQ(file->functions().size(), 1U);
    EXPECT_EQ(file->functions()[0].name, "evil\\x1b]0;\\x07");
    EXPECT_EQ(file->functions()[0].section, "x\\x1b[31m");
}

TEST(object, object_outlives_its_bytes_and_moves) {
    auto bytes =
        std::make_unique<std::vector<uint8_t>>(compile(std::string{prologue} + std::string{calls}));
    auto parsed = object_file::parse(*bytes);
    bytes.reset();
    ASSERT_TRUE(parsed);
    const object_file moved = std::move(*parsed);
    EXPECT_THAT(references(link(moved, "first")), ElementsAre("first -> outer", "outer -> inner"));
}

TEST(object, license_and_dependence_on_types_are_known) {
    const auto file = object_file::parse(compile(std::string{prologue} + R"(
struct s { int a; } __attribute__((preserve_access_index));
char text[] SEC("license") = "Dual MIT/GPL";
SEC("xdp") int p(struct s *s) { return s->a; }
)"));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->license(), "Dual MIT/GPL");
    EXPECT_EQ(file->core_relocation_count(), 1U);
    const auto plain = object_file::parse(compile("int f(void) { return 1; }"));
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->license(), "");
    EXPECT_EQ(plain->core_relocation_count(), 0U);
}

}  // namespace bpftime::vm::object::test
