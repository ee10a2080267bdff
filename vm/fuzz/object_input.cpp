// bpftime-vm: the inputs of fuzz_object: ELF objects
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_input.hpp"

#include "generate.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace bpftime::vm::fuzz {

namespace {

/// Reads a T at `offset`; nothing if it is not all there.
template <typename T>
std::optional<T> read_at(std::span<const uint8_t> bytes, uint64_t offset) {
    if (offset > bytes.size() or sizeof(T) > bytes.size() - offset) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

/// Where a random entry of size `entry` of `section` begins; nothing if it has none inside the
/// file.
std::optional<uint64_t> choose_entry(const Elf64_Shdr &section, uint64_t entry,
                                     std::size_t file_size, random_source &random) {
    if (section.sh_offset > file_size) return std::nullopt;
    const uint64_t count =
        std::min<uint64_t>(section.sh_size, file_size - section.sh_offset) / entry;
    if (count == 0) return std::nullopt;
    return section.sh_offset + random.below(count) * entry;
}

struct field {
    std::size_t offset;
    std::size_t size;
};

#define FIELD(type, member) \
    field { offsetof(type, member), sizeof(type::member) }
constexpr auto header_fields = std::to_array<field>(
    {FIELD(Elf64_Ehdr, e_type), FIELD(Elf64_Ehdr, e_machine), FIELD(Elf64_Ehdr, e_version),
     FIELD(Elf64_Ehdr, e_shoff), FIELD(Elf64_Ehdr, e_ehsize), FIELD(Elf64_Ehdr, e_shentsize),
     FIELD(Elf64_Ehdr, e_shnum), FIELD(Elf64_Ehdr, e_shstrndx)});
constexpr auto section_fields = std::to_array<field>(
    {FIELD(Elf64_Shdr, sh_name), FIELD(Elf64_Shdr, sh_type), FIELD(Elf64_Shdr, sh_flags),
     FIELD(Elf64_Shdr, sh_offset), FIELD(Elf64_Shdr, sh_size), FIELD(Elf64_Shdr, sh_link),
     FIELD(Elf64_Shdr, sh_info), FIELD(Elf64_Shdr, sh_addralign), FIELD(Elf64_Shdr, sh_entsize)});
constexpr auto symbol_fields = std::to_array<field>(
    {FIELD(Elf64_Sym, st_name), FIELD(Elf64_Sym, st_info), FIELD(Elf64_Sym, st_shndx),
     FIELD(Elf64_Sym, st_value), FIELD(Elf64_Sym, st_size)});
// r_info holds the type in its lower half, the symbol in its upper one.
constexpr auto relocation_fields =
    std::to_array<field>({FIELD(Elf64_Rel, r_offset), {8, 4}, {12, 4}});
constexpr auto slot_fields = std::to_array<field>({{0, 1}, {1, 1}, {2, 2}, {4, 4}});
#undef FIELD

/// Sets one of `fields` of the structure at `offset`, or moves it a little.
void change_field(std::span<uint8_t> bytes, uint64_t offset, std::span<const field> fields,
                  random_source &random) {
    const field f = random.pick(fields);
    if (offset > bytes.size() or f.offset + f.size > bytes.size() - offset) return;
    uint8_t *const at = bytes.data() + offset + f.offset;
    uint64_t value = 0;
    std::memcpy(&value, at, f.size);
    constexpr auto steps = std::to_array<uint64_t>({1, 8, 16, 24, 64});
    value = random.chance(50) ? value + random.pick(steps) * (random.chance(50) ? 1 : ~uint64_t{0})
                              : random.interesting();
    std::memcpy(at, &value, f.size);
}

/// Puts a random program over the beginning of a section.
void change_code(std::span<uint8_t> bytes, const Elf64_Shdr &section, random_source &random) {
    if (section.sh_offset > bytes.size()) return;
    const auto room = bytes.subspan(section.sh_offset,
                                    std::min(section.sh_size, bytes.size() - section.sh_offset));
    const byte_vector code =
        lay_out(generate(random, {.most_functions = 2, .most_statements = 8, .helpers = {1}})).code;
    std::copy_n(code.begin(), std::min(code.size(), room.size()), room.begin());
}

void change_section(std::span<uint8_t> bytes, const Elf64_Shdr &section, random_source &random) {
    const auto change_entry = [&](uint64_t size, std::span<const field> fields) {
        if (const auto entry = choose_entry(section, size, bytes.size(), random))
            change_field(bytes, *entry, fields, random);
    };
    switch (section.sh_type) {
    case SHT_SYMTAB: change_entry(sizeof(Elf64_Sym), symbol_fields); break;
    case SHT_REL: change_entry(sizeof(Elf64_Rel), relocation_fields); break;
    case SHT_RELA: change_entry(sizeof(Elf64_Rela), relocation_fields); break;
    default:
        if (random.chance(30))
            change_code(bytes, section, random);
        else
            change_entry(isa::slot_size, slot_fields);
    }
}

}  // namespace

std::size_t mutate_object_input(uint8_t *data, std::size_t size, std::size_t max_size,
                                unsigned seed) {
    random_source random{seed};
    const std::span bytes{data, size};
    const auto header = read_at<Elf64_Ehdr>(bytes, 0);
    if (not header or header->e_shnum == 0 or random.chance(30))
        return LLVMFuzzerMutate(data, size, max_size);
    if (random.chance(10)) {
        change_field(bytes, 0, header_fields, random);
        return size;
    }
    const uint64_t at = header->e_shoff + random.below(header->e_shnum) * sizeof(Elf64_Shdr);
    const auto section = read_at<Elf64_Shdr>(bytes, at);
    if (not section) return LLVMFuzzerMutate(data, size, max_size);
    if (random.chance(35))
        change_field(bytes, at, section_fields, random);
    else
        change_section(bytes, *section, random);
    return size;
}

}  // namespace bpftime::vm::fuzz
