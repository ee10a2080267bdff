// bpftime-vm: tests of the object loader over objects that were damaged on purpose
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"
#include "object/object.hpp"

#include <elf.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <random>

namespace bpftime::vm::object::test {

namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view source = R"(
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
static NOINLINE long inner(long a) { asm volatile("" : "+r"(a)); return a + 1; }
NOINLINE long outer(long a) { asm volatile("" : "+r"(a)); return inner(a) * 2; }
SEC("xdp") int entry(void *ctx) { long (*volatile f)(long) = inner; return outer(0x123) + f(1); }
)";

const std::vector<uint8_t> &pristine() {
    static const std::vector<uint8_t> bytes = compile(source, "-O2 -mcpu=v3");
    return bytes;
}

/// An object to damage: its bytes, and its parts as structures that write through.
struct victim {
    std::vector<uint8_t> bytes = pristine();

    template <typename T>
    T &at(uint64_t offset) {
        return *reinterpret_cast<T *>(bytes.data() + offset);
    }
    Elf64_Ehdr &header() { return at<Elf64_Ehdr>(0); }
    Elf64_Shdr &section(std::size_t index) {
        return at<Elf64_Shdr>(header().e_shoff + index * sizeof(Elf64_Shdr));
    }
    std::string_view name_of(const Elf64_Shdr &s) {
        return reinterpret_cast<const char *>(bytes.data()) +
               section(header().e_shstrndx).sh_offset + s.sh_name;
    }
    Elf64_Shdr &section(std::string_view name) {
        for (std::size_t i = 1; i < header().e_shnum; ++i) {
            if (name_of(section(i)) == name) return section(i);
        }
        throw std::runtime_error{"no section " + std::string{name}};
    }
    Elf64_Sym &symbol(std::string_view name) {
        const Elf64_Shdr &table = section(".symtab");
        const Elf64_Shdr &names = section(table.sh_link);
        for (uint64_t i = 0; i < table.sh_size; i += sizeof(Elf64_Sym)) {
            auto &s = at<Elf64_Sym>(table.sh_offset + i);
            if (name == reinterpret_cast<const char *>(bytes.data()) + names.sh_offset + s.st_name)
                return s;
        }
        throw std::runtime_error{"no symbol " + std::string{name}};
    }
    Elf64_Rel &relocation(std::size_t index) {
        return at<Elf64_Rel>(section(".relxdp").sh_offset + index * sizeof(Elf64_Rel));
    }
    uint8_t *code(std::string_view name) { return bytes.data() + section(name).sh_offset; }
};

/// The message with which the damaged object is refused, when parsed or when `entry` is linked.
std::string refusal(const victim &v, error_code code = error_code::bad_object) {
    const auto file = object_file::parse(v.bytes);
    if (not file) {
        EXPECT_EQ(file.error().code, code) << file.error().message;
        return file.error().message;
    }
    const auto entry = std::ranges::find(file->functions(), "entry", &function_info::name);
    if (entry == file->functions().end()) return "no entry";
    const auto linked = file->link(*entry);
    if (linked) return "linked";
    EXPECT_EQ(linked.error().code, code) << linked.error().message;
    return linked.error().message;
}

std::string refusal(const std::function<void(victim &)> &damage,
                    error_code code = error_code::bad_object) {
    victim v;
    damage(v);
    return refusal(v, code);
}

}  // namespace

TEST(hostile_object, pristine_object_links) { EXPECT_EQ(refusal(victim{}), "linked"); }

TEST(hostile_object, no_elf) {
    EXPECT_EQ(refusal([](victim &v) { v.bytes.clear(); }),
              "the file is empty: build the object again with `clang -target bpf -c`");
    EXPECT_THAT(refusal([](victim &v) { v.bytes = {0x95, 0, 0, 0, 0, 0, 0, 0}; }),
                StartsWith("not an ELF file: it begins with 95 00 00 00"));
    EXPECT_THAT(refusal([](victim &v) { v.bytes = {0x7f}; }),
                StartsWith("not an ELF file: it begins with 7f"));
}

TEST(hostile_object, cut_off) {
    for (const std::size_t rest : {std::size_t{80}, pristine().size() / 2, pristine().size() - 1}) {
        EXPECT_THAT(refusal([&](victim &v) { v.bytes.resize(rest); }),
                    StartsWith("the file was cut off: its section headers ("))
            << rest;
    }
}

TEST(hostile_object, other_machine_class_order_and_type) {
    EXPECT_THAT(refusal([](victim &v) { v.header().e_machine = EM_X86_64; }),
                StartsWith("an object for machine 62, not for eBPF (247)"));
    EXPECT_THAT(refusal([](victim &v) { v.header().e_ident[EI_CLASS] = ELFCLASS32; }),
                StartsWith("ELF class 1 is not 64-bit"));
    EXPECT_EQ(refusal([](victim &v) { v.header().e_ident[EI_DATA] = ELFDATA2MSB; },
                      error_code::unsupported),
              "big-endian eBPF objects are not supported: compile with `-target bpfel`");
    EXPECT_THAT(refusal([](victim &v) { v.header().e_ident[EI_DATA] = 9; }),
                StartsWith("unknown byte order 9"));
    EXPECT_THAT(refusal([](victim &v) { v.header().e_type = ET_DYN; }),
                StartsWith("ELF type 3 is not a relocatable object (1)"));
}

TEST(hostile_object, big_endian_object_of_clang) {
    const auto file = object_file::parse(compile(source, "-O2 -target bpfeb"));
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, error_code::unsupported);
}

TEST(hostile_object, sections_outside_the_file) {
    EXPECT_THAT(refusal([](victim &v) { v.section("xdp").sh_size = UINT64_MAX; }),
                HasSubstr("exceeds the file of"));
    EXPECT_THAT(refusal([](victim &v) { v.section("xdp").sh_offset = UINT64_MAX - 7; }),
                HasSubstr("exceeds the file"));
    EXPECT_THAT(refusal([](victim &v) { v.section("xdp").sh_name = 0x7fffffff; }),
                HasSubstr("is outside the name table"));
    EXPECT_THAT(refusal([](victim &v) { v.header().e_shstrndx = 0x1234; }),
                Not(StartsWith("linked")));
    EXPECT_THAT(refusal([](victim &v) { v.header().e_shoff = UINT64_MAX - 64; }),
                Not(StartsWith("linked")));
    EXPECT_THAT(refusal([](victim &v) { v.header().e_shnum = 0xfeff; }), Not(StartsWith("linked")));
}

TEST(hostile_object, symbols) {
    EXPECT_THAT(refusal([](victim &v) { v.symbol("inner").st_name = 0x7fffffff; }),
                HasSubstr("outside the name table"));
    EXPECT_THAT(refusal([](victim &v) { v.symbol("inner").st_shndx = 0x800; }),
                HasSubstr("symbol 'inner' lies in section 2048 of"));
    EXPECT_THAT(refusal([](victim &v) { v.symbol("inner").st_shndx = SHN_XINDEX; },
                        error_code::unsupported),
                HasSubstr("65,279 sections"));
    EXPECT_THAT(
        refusal([](victim &v) { v.symbol("entry").st_size = UINT64_MAX - 7; }),
        StartsWith(
            "function 'entry' (18446744073709551608 bytes at 0) does not fit section 'xdp'"));
    EXPECT_THAT(refusal([](victim &v) { v.symbol("entry").st_value = UINT64_MAX - 7; }),
                HasSubstr("does not fit section 'xdp'"));
    EXPECT_THAT(refusal([](victim &v) { v.symbol("entry").st_size = 12; }),
                HasSubstr("does not fit section 'xdp'"));
    EXPECT_THAT(refusal([](victim &v) { v.section(".symtab").sh_entsize = 23; }),
                HasSubstr("no whole number of entries of 24 bytes"));
    EXPECT_THAT(refusal([](victim &v) { v.section(".symtab").sh_size -= 1; }),
                HasSubstr("no whole number of entries of 24 bytes"));
    EXPECT_THAT(refusal([](victim &v) { v.section(".symtab").sh_type = SHT_PROGBITS; }),
                HasSubstr("no symbol table"));
    EXPECT_THAT(refusal([](victim &v) { v.section(".symtab").sh_link = 0xffff; }),
                HasSubstr("outside the name table"));
}

TEST(hostile_object, relocations) {
    EXPECT_THAT(refusal([](victim &v) { v.relocation(0).r_info = ELF64_R_INFO(0xffffff, 10); }),
                HasSubstr("names symbol 16777215 of"));
    EXPECT_THAT(refusal([](victim &v) { v.relocation(0).r_info |= 99; }),
                HasSubstr("relocation of unknown type 99 against"));
    EXPECT_THAT(refusal([](victim &v) { v.relocation(0).r_offset += 4; }),
                HasSubstr("relocation in the middle of an instruction"));
    EXPECT_THAT(refusal([](victim &v) { v.relocation(0).r_offset = v.relocation(1).r_offset; }),
                HasSubstr("two relocations at offset"));
    EXPECT_THAT(refusal([](victim &v) { v.section(".relxdp").sh_info = 0xffff; }),
                HasSubstr("relocates section 65535 of"));
    EXPECT_THAT(refusal([](victim &v) { v.section(".relxdp").sh_link = 0; }),
                HasSubstr("does not refer to the symbol table"));
    EXPECT_THAT(refusal([](victim &v) { v.section(".relxdp").sh_entsize = 1; }),
                HasSubstr("no whole number of entries of 16 bytes"));
}

TEST(hostile_object, call_and_address_relocations_on_the_wrong_instruction) {
    EXPECT_THAT(refusal([](victim &v) {
                    v.relocation(1).r_info = ELF64_R_INFO(ELF64_R_SYM(v.relocation(1).r_info), 1);
                }),
                HasSubstr("address relocation on `call local"));
    EXPECT_THAT(refusal([](victim &v) {
                    v.relocation(0).r_info = ELF64_R_INFO(ELF64_R_SYM(v.relocation(0).r_info), 10);
                }),
                HasSubstr("which is no local call"));
}

TEST(hostile_object, references_to_where_no_function_begins) {
    EXPECT_THAT(refusal([](victim &v) {
                    v.symbol("outer").st_value += 8;
                    v.symbol("outer").st_size -= 8;
                    v.symbol("outer").st_info = STT_NOTYPE;
                }),
                HasSubstr("where no function begins"));
    EXPECT_THAT(refusal([](victim &v) { v.code("xdp")[4] = 1; }),
                HasSubstr("where no function begins"));
    EXPECT_THAT(refusal([](victim &v) { v.code("xdp")[15] = 0x80; }),
                HasSubstr("where no function begins"));
}

TEST(hostile_object, lddw_without_second_slot) {
    EXPECT_THAT(refusal([](victim &v) { v.symbol("entry").st_size = 8; }),
                HasSubstr("truncated lddw at instruction 0 of function 'entry'"));
}

TEST(hostile_object, calls_of_data) {
    EXPECT_THAT(refusal([](victim &v) { v.section(".text").sh_flags &= ~uint64_t{SHF_EXECINSTR}; }),
                HasSubstr("section '.text' without code"));
}

TEST(hostile_object, explicit_addends) {
    EXPECT_THAT(refusal(
                    [](victim &v) {
                        v.section(".relxdp").sh_type = SHT_RELA;
                        v.section(".relxdp").sh_entsize = sizeof(Elf64_Rela);
                        v.section(".relxdp").sh_size = sizeof(Elf64_Rela);
                    },
                    error_code::unsupported),
                HasSubstr("relocation with the explicit addend"));
}

TEST(hostile_object, every_truncation_is_an_error_or_links) {
    for (std::size_t size = 0; size < pristine().size(); ++size) {
        victim v;
        v.bytes.resize(size);
        v.bytes.shrink_to_fit();
        EXPECT_NE(refusal(v), "linked") << size;
    }
}

TEST(hostile_object, random_damage_never_crashes) {
    std::mt19937 random{20260101};
    const auto below = [&](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>{0, n - 1}(random);
    };
    std::size_t linked = 0;
    constexpr int rounds = 20000;
    for (int round = 0; round < rounds; ++round) {
        victim v;
        for (std::size_t n = 1 + below(4); n > 0; --n) {
            v.bytes[below(v.bytes.size())] =
                static_cast<uint8_t>(below(3) == 0 ? 0xff : below(256));
        }
        const auto file = object_file::parse(v.bytes);
        if (not file) continue;
        for (const function_info &f : file->functions()) linked += file->link(f).has_value();
    }
    EXPECT_GT(linked, 0U);
    EXPECT_LT(linked, 3U * rounds);
}

}  // namespace bpftime::vm::object::test
