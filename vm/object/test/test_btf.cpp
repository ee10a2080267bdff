// bpftime-vm: tests of the reading of BTF and .BTF.ext
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

namespace bpftime::vm::object::test {

namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view source = R"(
typedef unsigned long word;
enum colour { red = -1, green = 2 };
enum big { huge = 0x100000000 };
struct point { int x, y; struct { word inside; }; unsigned bit : 3; enum colour c; };
union both { float f; word w[3]; };
struct point origin; const volatile union both b; enum big e;
SEC("xdp") int p(struct point *ctx) {
    return ctx->x +
           ctx->y;
}
)";

struct section_place {
    std::size_t begin;
    std::size_t size;
};

section_place find_section(const std::vector<uint8_t> &object, std::string_view wanted) {
    Elf64_Ehdr header;
    std::memcpy(&header, object.data(), sizeof header);
    const auto section = [&](std::size_t i) {
        Elf64_Shdr s;
        std::memcpy(&s, object.data() + header.e_shoff + i * sizeof s, sizeof s);
        return s;
    };
    for (std::size_t i = 1; i < header.e_shnum; ++i) {
        const char *name = reinterpret_cast<const char *>(object.data()) +
                           section(header.e_shstrndx).sh_offset + section(i).sh_name;
        if (name == wanted) return {section(i).sh_offset, section(i).sh_size};
    }
    throw std::runtime_error{"no section"};
}

std::vector<uint8_t> types_of(const std::vector<uint8_t> &object) {
    const auto [begin, size] = find_section(object, ".BTF");
    const auto at = object.begin() + static_cast<std::ptrdiff_t>(begin);
    return {at, at + static_cast<std::ptrdiff_t>(size)};
}

const std::vector<uint8_t> &object_bytes() {
    static const auto bytes = compile(std::string{prologue} + std::string{source}, "-O2 -g");
    return bytes;
}

const std::vector<uint8_t> &pristine() {
    static const auto bytes = types_of(object_bytes());
    return bytes;
}

/// The line of the file that is line `n` of the text after the prologue.
uint32_t line_of(uint32_t n) {
    return static_cast<uint32_t>(std::ranges::count(prologue, '\n')) + n;
}

void put(std::vector<uint8_t> &bytes, std::size_t at, uint32_t value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::string refusal(const std::function<void(std::vector<uint8_t> &)> &damage,
                    error_code code = error_code::bad_object) {
    auto bytes = pristine();
    damage(bytes);
    const auto types = btf::parse(bytes);
    if (types) return "parsed";
    EXPECT_EQ(types.error().code, code);
    return types.error().message;
}

}  // namespace

TEST(btf, knows_types) {
    const auto types = btf::parse(pristine());
    ASSERT_TRUE(types) << types.error().message;
    const btf_type &point = types->type(types->find("point", btf_kind::structure).value());
    ASSERT_EQ(types->members(point).size(), 5U);
    EXPECT_EQ(types->members(point)[1].name, "y");
    EXPECT_EQ(types->members(point)[1].bit_offset, 32U);
    EXPECT_EQ(types->members(point)[3].bit_size, 3U);
    EXPECT_EQ(types->members(point)[3].bit_offset, 128U);
    const btf_type &colour = types->type(types->find("colour", btf_kind::enumeration).value());
    EXPECT_TRUE(colour.is_signed());
    EXPECT_EQ(types->enumerators(colour)[0].value, UINT64_MAX);
    const btf_type &big = types->type(types->find("big", btf_kind::enumeration64).value());
    EXPECT_EQ(types->enumerators(big)[0].value, 0x100000000U);
    EXPECT_EQ(types->describe(types->find("both", btf_kind::union_).value()), "union both");
    EXPECT_FALSE(types->find("both", btf_kind::structure));
}

TEST(btf, knows_sizes) {
    const auto types = btf::parse(pristine());
    ASSERT_TRUE(types);
    const auto size = [&](std::string_view name, btf_kind kind) {
        return types->size_of(types->find(name, kind).value());
    };
    EXPECT_EQ(size("both", btf_kind::union_), 24U);
    EXPECT_EQ(size("word", btf_kind::type_definition), 8U);
    EXPECT_EQ(size("b", btf_kind::variable), 24U);
    EXPECT_EQ(size("p", btf_kind::function), std::nullopt);
    EXPECT_EQ(types->size_of(0), std::nullopt);
}

TEST(btf, variables_get_their_places_from_relocations) {
    const object_file file = parse(
        "int a = 1; static volatile int b = 2; int c = 3;"
        "SEC(\"xdp\") int p(void *x) { return a + b + c; }");
    const btf &types = *file.types();
    const btf_type &data = types.type(types.find(".data", btf_kind::section).value());
    std::vector<uint32_t> offsets;
    for (const btf_variable &v : types.variables(data)) offsets.push_back(v.offset);
    EXPECT_THAT(offsets, testing::UnorderedElementsAre(0, 4, 8));
}

TEST(btf, headers_are_checked) {
    EXPECT_EQ(
        refusal([](auto &b) { b.resize(23); }),
        "damaged BTF: 23 bytes are shorter than its header of 24: build the object again with "
        "`clang -target bpf -c`");
    EXPECT_THAT(refusal([](auto &b) { b[0] = 0; }), HasSubstr("it begins with 0xeb00, not 0xeb9f"));
    EXPECT_THAT(refusal([](auto &b) { std::swap(b[0], b[1]); }, error_code::unsupported),
                HasSubstr("big-endian BTF"));
    EXPECT_THAT(refusal([](auto &b) { b[2] = 2; }, error_code::unsupported),
                HasSubstr("BTF of version 2"));
    EXPECT_THAT(refusal([](auto &b) { put(b, 4, 23); }), HasSubstr("a header of 23 bytes"));
    EXPECT_THAT(refusal([](auto &b) { put(b, 12, UINT32_MAX); }), HasSubstr("exceed"));
    EXPECT_THAT(refusal([](auto &b) { put(b, 16, UINT32_MAX); }), HasSubstr("exceed"));
    EXPECT_THAT(refusal([](auto &b) { b.back() = 'x'; }),
                HasSubstr("its strings do not begin and end with a zero byte"));
}

TEST(btf, types_are_checked) {
    EXPECT_THAT(refusal([](auto &b) { put(b, 24, UINT32_MAX); }),
                HasSubstr("type 1: its name at 4294967295 is outside the strings"));
    EXPECT_THAT(refusal([](auto &b) { put(b, 28, 31U << 24); }, error_code::unsupported),
                HasSubstr("BTF type 1 has the unknown kind 31"));
    EXPECT_THAT(refusal([](auto &b) { put(b, 28, 4U << 24 | 0xffff); }),
                HasSubstr("type 1: its parts are cut off"));
    EXPECT_THAT(refusal([](auto &b) { put(b, 28, 2U << 24), put(b, 32, 9999); }),
                Not(StartsWith("parsed")));
}

TEST(btf, endless_chains_have_no_size) {
    std::vector<uint8_t> bytes(24 + 12 + 2);
    put(bytes, 0, 0x1eb9f);
    put(bytes, 4, 24);
    put(bytes, 12, 12);
    put(bytes, 16, 12);
    put(bytes, 20, 2);
    put(bytes, 28, 10U << 24);  // const 1
    put(bytes, 32, 1);
    const auto types = btf::parse(bytes);
    ASSERT_TRUE(types) << types.error().message;
    EXPECT_EQ(types->resolve(1), 0U);
    EXPECT_EQ(types->size_of(1), std::nullopt);
}

TEST(btf, damage_never_crashes) {
    std::mt19937 random{20260102};
    const auto below = [&](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>{0, n - 1}(random);
    };
    const auto [begin, size] = find_section(object_bytes(), ".BTF");
    const auto [begin_ext, size_ext] = find_section(object_bytes(), ".BTF.ext");
    std::size_t linked = 0;
    constexpr int rounds = 5000;
    for (int round = 0; round < rounds; ++round) {
        auto bytes = object_bytes();
        for (std::size_t n = 1 + below(4); n > 0; --n) {
            const bool ext = below(2) == 0;
            bytes[ext ? begin_ext + below(size_ext) : begin + below(size)] =
                static_cast<uint8_t>(below(256));
        }
        const auto file = object_file::parse(bytes);
        if (not file) continue;
        for (const btf_type &t : file->types()->types()) {
            const auto id = static_cast<uint32_t>(&t - file->types()->types().data());
            (void)file->types()->size_of(id);
            (void)file->types()->describe(id);
        }
        linked += file->link(find(*file, "p")).has_value();
    }
    EXPECT_GT(linked, 0U);
    EXPECT_LT(linked, std::size_t{rounds});
}

TEST(btf, targets_are_raw_or_elf) {
    EXPECT_TRUE(btf::read(pristine()));
    EXPECT_TRUE(btf::read(object_bytes()));
    for (std::size_t size = 0; size < object_bytes().size(); size += 7) {
        const std::vector<uint8_t> cut{object_bytes().begin(),
                                       object_bytes().begin() + static_cast<std::ptrdiff_t>(size)};
        // Headers come last in the file; those after that of .BTF are not needed.
        EXPECT_TRUE(not btf::read(cut) or size > object_bytes().size() * 3 / 4) << size;
    }
    const auto none = btf::read(compile("int f(void) { return 1; }", "-O2"));
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().message,
                StartsWith("types of the target: an ELF file without section '.BTF'"));
    const auto missing = btf::read_file("/nowhere/vmlinux");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, error_code::not_found);
    EXPECT_EQ(missing.error().message,
              "cannot read types from '/nowhere/vmlinux': No such file or directory");
}

TEST(btf_ext, linked_code_knows_its_lines) {
    const object_file file = parse(source);
    const bytecode linked = link(file, "p");
    const auto place = linked.lines.find(0);
    ASSERT_TRUE(place);
    EXPECT_THAT(std::string{place->file}, HasSubstr("bpftime-vm-object-"));
    EXPECT_EQ(file.types()->describe(linked.functions[0].type), "function p");
    EXPECT_EQ(place->line, line_of(9));
    EXPECT_EQ(place->text, "    return ctx->x +");
    EXPECT_EQ(place->column, 17U);
    const auto last = linked.lines.find(static_cast<uint32_t>(linked.code.size() / 8 - 1));
    ASSERT_TRUE(last);
    EXPECT_EQ(last->line, line_of(9));
    EXPECT_FALSE(link(parse(source, "-O2"), "p").lines.find(0));
}

TEST(btf_ext, functions_keep_their_lines_apart) {
    const object_file file = parse(R"(
extern void *memcpy(void *, const void *, unsigned long);
NOINLINE static long inner(long a) { asm volatile("" : "+r"(a)); return a + 1; }
SEC("xdp") int p(char *ctx, long n) { memcpy(ctx, ctx + n, n); return inner(*ctx); }
)",
                                   "-O2 -g -mcpu=v3 -fno-builtin");
    const bytecode linked = link(file, "p");
    for (const linked_function &f : linked.functions) {
        const auto place = linked.lines.find(f.begin);
        EXPECT_EQ(place.has_value(), f.name != "memcpy") << f.name;
        EXPECT_TRUE(f.name != "inner" or place->line == line_of(3));
    }
}

TEST(btf_ext, damage_is_told) {
    const auto refuse = [](std::size_t at, uint32_t value) {
        auto bytes = object_bytes();
        put(bytes, find_section(bytes, ".BTF.ext").begin + at, value);
        const auto file = object_file::parse(bytes);
        return file ? "parsed" : file.error().message;
    };
    EXPECT_THAT(refuse(0, 0), StartsWith("damaged .BTF.ext: it has no header"));
    EXPECT_THAT(refuse(4, 4), StartsWith("damaged .BTF.ext: a header of 4 bytes"));
    EXPECT_THAT(refuse(12, UINT32_MAX),
                StartsWith("damaged .BTF.ext: function records (4294967295 bytes at 0) exceed"));
    EXPECT_THAT(refuse(32, 6), StartsWith("damaged .BTF.ext: function records of 6 bytes"));
    EXPECT_THAT(refuse(36, UINT32_MAX),
                StartsWith("damaged .BTF.ext: a section name of its function records"));
    EXPECT_THAT(refuse(40, UINT32_MAX),
                StartsWith("damaged .BTF.ext: its function records are cut off"));
    EXPECT_THAT(refuse(48, UINT32_MAX),
                StartsWith("damaged .BTF.ext: function record 0 refers to a type"));
}

}  // namespace bpftime::vm::object::test
