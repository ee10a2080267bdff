// bpftime-vm: tests of types as C writes them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object/type_name.hpp"
#include "support.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bpftime::vm::object::test {

namespace {

std::string name_of_type(std::string_view declaration) {
    const object_file file =
        parse("typedef unsigned int u32;\nstruct flow { int a; };\n" + std::string{declaration} +
              ";\nSEC(\"xdp\") int p(void *ctx) { return *(volatile char *)&it; }");
    return type_name(*file.types(), file.global("it")->type);
}

}  // namespace

TEST(type_names, are_those_of_c) {
    EXPECT_EQ(name_of_type("int it"), "int");
    EXPECT_EQ(name_of_type("u32 it"), "u32");
    EXPECT_EQ(name_of_type("const volatile u32 it = 1"), "const volatile u32");
    EXPECT_EQ(name_of_type("unsigned long long it"), "unsigned long long");
    EXPECT_EQ(name_of_type("_Bool it"), "_Bool");
    EXPECT_EQ(name_of_type("double it"), "double");
    EXPECT_EQ(name_of_type("char it[16]"), "char[16]");
    EXPECT_EQ(name_of_type("u32 it[2][3]"), "u32[2][3]");
    EXPECT_EQ(name_of_type("struct flow it"), "struct flow");
    EXPECT_EQ(name_of_type("struct { int a; } it[2]"), "struct {...}[2]");
    EXPECT_EQ(name_of_type("union whole { int a; } it"), "union whole");
    EXPECT_EQ(name_of_type("enum mode { OFF, ON } it"), "enum mode");
    EXPECT_EQ(name_of_type("struct flow *it"), "struct flow *");
    EXPECT_EQ(name_of_type("const struct flow *it"), "const struct flow *");
    EXPECT_EQ(name_of_type("struct flow *const volatile it = 0"), "struct flow *const volatile");
    EXPECT_EQ(name_of_type("struct unknown **it"), "struct unknown **");
    EXPECT_EQ(name_of_type("void *it"), "void *");
    EXPECT_EQ(name_of_type("struct flow *it[4]"), "struct flow *[4]");
    EXPECT_EQ(name_of_type("int (*it)[4]"), "int (*)[4]");
    EXPECT_EQ(name_of_type("long (*it)(void *, const u32 *)"), "long (*)(void *, const u32 *)");
    EXPECT_EQ(name_of_type("void (*it)(const char *, ...)"), "void (*)(const char *, ...)");
    EXPECT_EQ(name_of_type("int (*it)(void)"), "int (*)(void)");
}

/// Types of objects may be hostile.
TEST(type_names, end) {
    auto bytes = compile("int **it; int p(void *ctx) { return **it; }");
    const object_file file = object_file::parse(bytes).value();
    const uint32_t outer = file.global("it")->type;
    const uint32_t inner = file.types()->type(outer).type;
    // As the file has them: no name, kind and number of members, what is pointed to.
    const std::array<uint32_t, 3> there{0, 2U << 24, inner};
    const std::array<uint32_t, 3> itself{0, 2U << 24, outer};
    std::vector<uint8_t> wanted(sizeof there);
    std::memcpy(wanted.data(), there.data(), sizeof there);
    const auto found = std::ranges::search(bytes, wanted);
    ASSERT_FALSE(found.empty());
    std::memcpy(&*found.begin(), itself.data(), sizeof itself);
    const object_file hostile = object_file::parse(bytes).value();
    EXPECT_EQ(type_name(*hostile.types(), outer), "... " + std::string(33, '*'));
}

}  // namespace bpftime::vm::object::test
