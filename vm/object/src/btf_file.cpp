// bpftime-vm: the types of a target, raw or in an ELF file of any machine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "elf_reader.hpp"
#include "object/btf.hpp"
#include "wire.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace bpftime::vm::object {

namespace {

constexpr std::size_t largest_file = std::size_t{1} << 31;

error bad(std::string_view detail) {
    return make_error(error_code::bad_object, fmt::format("types of the target: {}", detail));
}

/// The name that begins at `offset` of `names`.
std::string_view name_at(std::span<const uint8_t> names, uint64_t offset) {
    if (offset >= names.size()) return {};
    const auto rest = names.subspan(offset);
    const auto end = std::ranges::find(rest, uint8_t{0});
    return {reinterpret_cast<const char *>(rest.data()),
            static_cast<std::size_t>(end - rest.begin())};
}

/// The contents of section .BTF. Kernels have many sections and no interest in being read by our
/// reader of eBPF objects; this needs nothing but their headers.
result<std::span<const uint8_t>> find_types(std::span<const uint8_t> file) {
    if (file.size() < sizeof(Elf64_Ehdr) or file[EI_CLASS] != ELFCLASS64 or
        file[EI_DATA] != ELFDATA2LSB)
        return std::unexpected{bad("an ELF file that is not 64-bit, little-endian and whole")};
    const auto header = wire::read<Elf64_Ehdr>(file, 0);
    const auto contents = [&](uint64_t index) -> std::span<const uint8_t> {
        const uint64_t at = index * sizeof(Elf64_Shdr);
        if (index >= header.e_shnum or header.e_shoff > file.size() or
            not wire::fits(at, sizeof(Elf64_Shdr), file.size() - header.e_shoff))
            return {};
        const auto section = wire::read<Elf64_Shdr>(file, header.e_shoff + at);
        const bool there = section.sh_type != SHT_NOBITS and
                           wire::fits(section.sh_offset, section.sh_size, file.size());
        return there ? file.subspan(section.sh_offset, section.sh_size)
                     : std::span<const uint8_t>{};
    };
    const auto names = contents(header.e_shstrndx);
    for (uint64_t i = 1; i < header.e_shnum; ++i) {
        if (contents(i).empty()) continue;
        const auto section = wire::read<Elf64_Shdr>(file, header.e_shoff + i * sizeof(Elf64_Shdr));
        if (name_at(names, section.sh_name) == btf_section) return contents(i);
    }
    return std::unexpected{bad("an ELF file without section '.BTF'")};
}

bool is_elf(std::span<const uint8_t> bytes) {
    return bytes.size() >= SELFMAG and std::memcmp(bytes.data(), ELFMAG, SELFMAG) == 0;
}

}  // namespace

result<btf> btf::read(std::span<const uint8_t> bytes) {
    if (not is_elf(bytes)) return parse(bytes);
    const auto types = find_types(bytes);
    if (not types) return std::unexpected{types.error()};
    return parse(*types);
}

result<btf> btf::read_file(const std::string &path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file{std::fopen(path.c_str(), "rb"),
                                                                &std::fclose};
    if (file == nullptr) {
        return std::unexpected{make_error(
            error_code::not_found,
            fmt::format("cannot read types from '{}': {}", printable(path), std::strerror(errno)))};
    }
    std::vector<uint8_t> bytes;
    constexpr std::size_t chunk = std::size_t{1} << 20;
    while (std::feof(file.get()) == 0) {
        const std::size_t filled = bytes.size();
        bytes.resize(filled + chunk);
        bytes.resize(filled + std::fread(bytes.data() + filled, 1, chunk, file.get()));
        if (std::ferror(file.get()) != 0 or bytes.size() > largest_file) {
            return std::unexpected{
                make_error(error_code::not_found,
                           fmt::format("cannot read types from '{}': it is no file of less than {} "
                                       "bytes",
                                       printable(path), largest_file))};
        }
    }
    return read(bytes);
}

}  // namespace bpftime::vm::object
