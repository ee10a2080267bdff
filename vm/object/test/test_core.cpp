// bpftime-vm: tests of CO-RE: objects of one kernel's types on another's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/text.hpp"
#include "program/program.hpp"
#include "support.hpp"

#include <gmock/gmock.h>

namespace bpftime::vm::object::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view macros = R"(
#define CORE __attribute__((preserve_access_index))
#define FIELD(x, kind) __builtin_preserve_field_info(x, kind)
#define TYPE(t, kind) __builtin_preserve_type_info(*(typeof(t) *)0, kind)
#define TYPE_ID(t, kind) __builtin_btf_type_id(*(typeof(t) *)0, kind)
#define ENUM(t, v, kind) __builtin_preserve_enum_value(*(typeof(t) *)v, kind)
)";

/// The types of a kernel: what keeps them in the object is a variable of each.
btf target(std::string_view types) {
    auto parsed = btf::read(compile(types, "-O2 -g"));
    if (not parsed) throw std::runtime_error{parsed.error().message};
    return std::move(*parsed);
}

object_file program(std::string_view source) {
    return parse(std::string{macros} + std::string{source});
}

/// The program `p`, in assembly, on the target; with own types if there is none.
std::string text(const object_file &file, const btf *types) {
    const auto linked = file.link(find(file, "p"), {.target = types});
    if (not linked) return linked.error().message;
    return isa::disassemble(linked->code).value();
}

/// What `p` returns on the target: it must be a constant.
std::string answer(std::string_view declarations, std::string_view expression,
                   std::string_view target_types) {
    const object_file file =
        program(std::string{declarations} + "\nSEC(\"xdp\") long p(void *ctx) { return " +
                std::string{expression} + "; }");
    const btf types = target(target_types);
    const std::string all = text(file, &types);
    return all.substr(0, all.find('\n'));
}

}  // namespace

TEST(core, fields_move) {
    const object_file file = program(R"(
struct pair { int a; int b; } CORE;
SEC("xdp") int p(struct pair *ctx) { return ctx->b; }
)");
    EXPECT_EQ(text(file, nullptr), "ldxw %r0, [%r1+4]\nexit\n");
    const btf moved = target("struct pair { long first; int a; int more[3]; int b; } x;");
    EXPECT_EQ(text(file, &moved), "ldxw %r0, [%r1+24]\nexit\n");
}

TEST(core, relocations_are_listed) {
    const object_file file = program(R"(
struct inner { int first; int list[4]; } CORE;
struct pair { int a; struct inner in; } CORE;
enum mode { MODE_OFF, MODE_ON = 7 };
SEC("xdp") int p(struct pair *ctx) {
    return ctx->in.list[2] + FIELD(ctx->a, 2) + TYPE(struct pair, 1) + ENUM(enum mode, MODE_ON, 1);
}
SEC("tc") int q(struct pair *ctx) { return ctx->a; }
)");
    const auto all = file.core_relocations();
    EXPECT_EQ(all.size(), file.core_relocation_count());
    std::vector<std::string> words;
    for (const core_relocation &r : all) {
        EXPECT_EQ(r.offset % 8, 0U);
        words.push_back(r.section + ": " + r.kind + " of " + r.subject);
    }
    EXPECT_THAT(words, testing::UnorderedElementsAre(
                           "tc: field offset of struct pair.a",
                           "xdp: field offset of struct pair.in.list[2]",
                           "xdp: field exists of struct pair.a", "xdp: type size of struct pair",
                           "xdp: enumerator value of enum mode::MODE_ON"));
}

TEST(core, fields_of_members_and_elements_move) {
    const object_file file = program(R"(
struct inner { char c; unsigned short list[4]; } CORE;
struct outer { long x; struct inner in[2]; } CORE;
SEC("xdp") int p(struct outer *ctx) { return ctx->in[1].list[2]; }
)");
    EXPECT_EQ(text(file, nullptr), "ldxh %r0, [%r1+24]\nexit\n");
    const btf types = target(
        "struct inner { long pad; struct { union { unsigned short list[9]; }; }; char c; };"
        "struct outer { struct inner in[3]; } x;");
    EXPECT_EQ(text(file, &types), "ldxh %r0, [%r1+44]\nexit\n");
}

TEST(core, loads_change_their_size) {
    const object_file file = program(R"(
struct s { unsigned long n; } CORE;
SEC("xdp") long p(struct s *ctx) { return ctx->n; }
)");
    const btf narrow = target("struct s { int pad; unsigned n; } x;");
    EXPECT_EQ(text(file, &narrow), "ldxw %r0, [%r1+4]\nexit\n");
    const btf sign = target("struct s { int pad; int n; } x;");
    EXPECT_EQ(text(file, &sign), "call 195896080\nexit\n");
    const bytecode linked = link(file, "p", {.target = &sign});
    ASSERT_EQ(linked.poisoned.size(), 1U);
    EXPECT_EQ(linked.poisoned[0].reason,
              "`ldxdw %r0, [%r1]` accesses 8 bytes of struct s.n, which has 4 on the target and "
              "is no pointer or unsigned integer");
}

TEST(core, missing_fields_poison) {
    const object_file file = program(R"(
struct s { int a, gone; } CORE;
SEC("xdp") int p(struct s *ctx) { return FIELD(ctx->gone, 2) ? ctx->gone : ctx->a; }
)");
    const btf types = target("struct s { long pad; int a; } x;");
    const bytecode linked = link(file, "p", {.target = &types});
    EXPECT_THAT(text(file, &types), HasSubstr("call 195896080"));
    ASSERT_EQ(linked.poisoned.size(), 1U);
    EXPECT_THAT(linked.poisoned[0].reason,
                HasSubstr("needs struct s.gone, which the target does not have"));
    EXPECT_TRUE(program::load(linked.code));
    EXPECT_TRUE(link(file, "p").poisoned.empty());
}

TEST(core, fields_have_properties) {
    constexpr std::string_view local = "struct s { short a; int b : 5; unsigned c; } CORE;";
    const auto ask = [&](std::string_view field, int kind, std::string_view types) {
        return answer(
            local,
            "FIELD(((struct s *)0)->" + std::string{field} + ", " + std::to_string(kind) + ")",
            types);
    };
    constexpr std::string_view same = "struct s { short a; int b : 5; unsigned c; } x;";
    constexpr std::string_view other =
        "struct s { long pad; unsigned pad2 : 7; unsigned b : 6; long a; } x;";
    EXPECT_EQ(ask("a", 0, other), "mov %r0, 16");
    EXPECT_EQ(ask("a", 1, other), "mov %r0, 8");
    EXPECT_EQ(ask("c", 2, other), "mov %r0, 0");
    EXPECT_EQ(ask("c", 2, same), "mov %r0, 1");
    EXPECT_EQ(ask("b", 3, same), "mov %r0, 1");
    EXPECT_EQ(ask("b", 3, other), "mov %r0, 0");
    EXPECT_EQ(ask("b", 4, same), "mov %r0, 43");
    EXPECT_EQ(ask("b", 5, same), "mov %r0, 59");
    EXPECT_EQ(ask("b", 0, other), "mov %r0, 8");
    EXPECT_EQ(ask("b", 4, other), "mov %r0, 51");
    EXPECT_EQ(ask("b", 5, other), "mov %r0, 58");
}

TEST(core, types_have_properties) {
    constexpr std::string_view local = "struct s { int a; int *b; };";
    constexpr std::string_view same = "struct s { int a; int *b; } x;";
    constexpr std::string_view more = "struct s { int *b; long c; int a; } x;";
    constexpr std::string_view less = "struct s { long a; } x;";
    constexpr std::string_view none = "int x;";
    const auto exists = [&](std::string_view types) {
        return answer(local, "TYPE(struct s, 0)", types);
    };
    EXPECT_EQ(exists(same), "mov %r0, 1");
    EXPECT_EQ(exists(none), "mov %r0, 0");
    EXPECT_EQ(exists("union s { int a; } x;"), "mov %r0, 0");
    const auto size = [&](std::string_view types) {
        return answer(local, "TYPE(struct s, 1)", types);
    };
    EXPECT_EQ(size(more), "mov %r0, 24");
    EXPECT_EQ(size(none), "mov %r0, 0");
    const auto matches = [&](std::string_view types) {
        return answer(local, "TYPE(struct s, 2)", types);
    };
    EXPECT_EQ(matches(same), "mov %r0, 1");
    EXPECT_EQ(matches(more), "mov %r0, 1");
    EXPECT_EQ(matches(less), "mov %r0, 0");
    EXPECT_EQ(matches("struct s { unsigned a; int *b; } x;"), "mov %r0, 0");
    EXPECT_EQ(answer("typedef int (*fn)(int, struct s *); struct s;", "TYPE(fn, 0)",
                     "struct s; typedef int (*fn)(int, struct s *); fn x;"),
              "mov %r0, 1");
    EXPECT_EQ(
        answer("typedef int (*fn)(int); ", "TYPE(fn, 0)", "typedef int (*fn)(int, int); fn x;"),
        "mov %r0, 0");
}

TEST(core, type_ids) {
    const btf types = target("int pad; struct s { int a; } x;");
    const std::string id = std::to_string(types.find("s", btf_kind::structure).value());
    const object_file theirs = program(
        "struct s { int a; }; SEC(\"xdp\") long p(void *ctx) { return TYPE_ID(struct s, 1); }");
    EXPECT_THAT(text(theirs, &types), StartsWith("lddw %r0, 0x" + id + "\n"));
    const object_file ours = program(
        "struct s { int a; }; SEC(\"xdp\") long p(void *ctx) { return TYPE_ID(struct s, 0); }");
    const std::string own = std::to_string(ours.types()->find("s", btf_kind::structure).value());
    EXPECT_THAT(text(ours, &types), StartsWith("lddw %r0, 0x" + own + "\n"));
}

TEST(core, enumerators) {
    constexpr std::string_view local = "enum e { ONE = 1, TWO = 2 };";
    constexpr std::string_view other = "enum e { ZERO, TWO = -5, LAST___v2 } x;";
    EXPECT_EQ(answer(local, "ENUM(enum e, TWO, 1)", other), "lddw %r0, 0xfffffffffffffffb");
    EXPECT_EQ(answer(local, "ENUM(enum e, TWO, 0)", other), "lddw %r0, 0x1");
    EXPECT_EQ(answer(local, "ENUM(enum e, ONE, 0)", other), "lddw %r0, 0x0");
    EXPECT_EQ(answer(local, "ENUM(enum e, ONE, 1)", other), "call 195896080");
    EXPECT_EQ(answer(local, "ENUM(enum e, ONE, 1)", "enum e { ONE = 0x123456789 } x;"),
              "lddw %r0, 0x123456789");
}

TEST(core, flavours_are_one_type) {
    const object_file file = program(R"(
struct s___old { int a; } CORE;
struct s___new_one { int b; } CORE;
SEC("xdp") int p(struct s___old *ctx) {
    struct s___new_one *other = (void *)ctx;
    return FIELD(ctx->a, 2) ? ctx->a : other->b;
}
)");
    const btf types = target("struct s { long pad; int b; } x;");
    EXPECT_THAT(text(file, &types), HasSubstr("mov %r2, 8\nadd %r1, %r2\n"));
    EXPECT_THAT(link(file, "p", {.target = &types}).poisoned, testing::SizeIs(1));
}

TEST(core, own_types_stand_for_a_kernel_without_flavours) {
    const object_file file = program(R"(
struct s { long pad; int now; } CORE;
struct s___old { int before; } CORE;
struct only___here { int x; } CORE;
SEC("xdp") int p(struct s *ctx) {
    struct s___old *old = (void *)ctx;
    struct only___here *here = (void *)ctx;
    return (FIELD(old->before, 2) ? old->before : ctx->now) + here->x;
}
)");
    EXPECT_THAT(link(file, "p").poisoned, testing::SizeIs(1));
}

TEST(core, ambiguous_types_are_refused) {
    const object_file file = program(R"(
struct s { int a; } CORE;
SEC("xdp") int p(struct s *ctx) { return ctx->a; }
)");
    const btf twice = target("struct s { int a; } x; struct s___2 { long pad; int a; } y;");
    EXPECT_THAT(
        link_error(file, "p", error_code::unsupported, {.target = &twice}),
        StartsWith("CO-RE asks about struct s.a, which is ambiguous in the target: types "));
    const btf agree = target("struct s { int a; } x; struct s___2 { int a; long pad; } y;");
    EXPECT_EQ(text(file, &agree), "ldxw %r0, [%r1]\nexit\n");
}

TEST(core, types_without_name_are_refused) {
    const object_file file = program(
        "SEC(\"xdp\") long p(void *ctx) { struct { int a, b; } *s = ctx; return FIELD(s->b, 0); }");
    const btf types = target("int x;");
    EXPECT_THAT(link_error(file, "p", error_code::unsupported, {.target = &types}),
                HasSubstr("types without name have no match in other types"));
    EXPECT_THAT(text(file, nullptr), StartsWith("mov %r0, 4\n")) << "but match themselves";
}

TEST(core, offsets_beyond_an_instruction_are_refused) {
    const object_file file = program(R"(
struct s { int a; } CORE;
SEC("xdp") int p(struct s *ctx) { return ctx->a; }
)");
    const btf far = target("struct s { char pad[40000]; int a; } x;");
    EXPECT_THAT(link_error(file, "p", error_code::bad_object, {.target = &far}),
                StartsWith("CO-RE asks about struct s.a, but `ldxw %r0, [%r1]` has no room for "
                           "the offset 40000 at instruction 0 of function 'p'"));
}

TEST(core, types_that_contain_themselves_end) {
    // struct s { struct s; } cannot be written in C: make it from struct s { struct t; }.
    const object_file file = program(R"(
struct s { int a; } CORE;
SEC("xdp") int p(struct s *ctx) { return ctx->a; }
)");
    auto bytes = std::vector<uint8_t>(24);
    const auto put = [&](std::initializer_list<uint32_t> words) {
        for (const uint32_t w : words) {
            for (unsigned i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(w >> (8 * i)));
        }
    };
    put({1, 4U << 24 | 3, 8, 0, 1, 0, 0, 1, 0, 0, 1, 0});  // three members that are struct s
    const auto types_size = static_cast<uint32_t>(bytes.size() - 24);
    bytes.insert(bytes.end(), {0, 's', 0});
    const uint32_t header[] = {0x1eb9f, 24, 0, types_size, types_size, 3};
    std::copy_n(reinterpret_cast<const uint8_t *>(header), sizeof header, bytes.begin());
    const auto endless = btf::parse(bytes);
    ASSERT_TRUE(endless) << endless.error().message;
    EXPECT_THAT(link_error(file, "p", error_code::limit_exceeded, {.target = &*endless}),
                StartsWith("CO-RE asks about struct s.a, whose types are too deep"));
}

}  // namespace bpftime::vm::object::test
