// bpftime-vm: reading ELF with libelf, trusting nothing
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "elf_reader.hpp"

#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>

namespace bpftime::vm::object {

namespace {

constexpr uint32_t machine_bpf = 247;      // EM_BPF
constexpr std::size_t longest_name = 512;  // of a name as it is kept; what follows is cut off
constexpr std::size_t largest_file = std::size_t{1} << 30;

error bad(std::string_view detail) { return make_error(error_code::bad_object, detail); }

class reader {
public:
    explicit reader(std::span<const uint8_t> bytes) {
        object_.bytes.assign(bytes.begin(), bytes.end());
    }
    reader(const reader &) = delete;
    reader &operator=(const reader &) = delete;
    ~reader() { elf_end(elf_); }

    result<elf_object> read() {
        using step = maybe_error (reader::*)();
        for (const step s :
             {&reader::check_ident, &reader::open, &reader::check_header, &reader::read_sections,
              &reader::read_symbols, &reader::read_relocations}) {
            if (auto e = (this->*s)()) return std::unexpected{std::move(*e)};
        }
        return std::move(object_);
    }

private:
    using maybe_error = std::optional<error>;

    /// What libelf would accept, but eBPF is not.
    maybe_error check_ident() {
        const std::vector<uint8_t> &b = object_.bytes;
        if (b.size() < EI_NIDENT or std::memcmp(b.data(), ELFMAG, SELFMAG) != 0) {
            const auto head = std::span{b}.first(std::min<std::size_t>(b.size(), SELFMAG));
            return bad(b.empty() ? "the file is empty"
                                 : fmt::format("not an ELF file: it begins with {:02x}",
                                               fmt::join(head, " ")));
        }
        if (b.size() > largest_file) {
            return make_error(error_code::limit_exceeded,
                              fmt::format("an object of {} bytes exceeds the limit of {}", b.size(),
                                          largest_file));
        }
        if (b[EI_CLASS] != ELFCLASS64)
            return bad(fmt::format("ELF class {} is not 64-bit", b[EI_CLASS]));
        if (b[EI_DATA] == ELFDATA2MSB) {
            return make_error(
                error_code::unsupported,
                "big-endian eBPF objects are not supported: compile with `-target bpfel`");
        }
        if (b[EI_DATA] != ELFDATA2LSB) return bad(fmt::format("unknown byte order {}", b[EI_DATA]));
        return {};
    }

    maybe_error open() {
        if (elf_version(EV_CURRENT) == EV_NONE) {
            return make_error(error_code::internal, "libelf does not know this version of ELF");
        }
        elf_ = elf_memory(reinterpret_cast<char *>(object_.bytes.data()), object_.bytes.size());
        if (elf_ == nullptr or elf_kind(elf_) != ELF_K_ELF) return libelf_error("ELF header");
        return {};
    }

    static error libelf_error(std::string_view where) {
        const char *why = elf_errmsg(-1);
        return bad(fmt::format("{}: {}", where, why == nullptr ? "damaged" : why));
    }

    maybe_error check_header() {
        GElf_Ehdr header;
        if (gelf_getehdr(elf_, &header) == nullptr) return libelf_error("ELF header");
        if (header.e_machine != machine_bpf) {
            return bad(fmt::format("an object for machine {}, not for eBPF ({})", header.e_machine,
                                   machine_bpf));
        }
        if (header.e_type != ET_REL) {
            return bad(
                fmt::format("ELF type {} is not a relocatable object ({})", header.e_type, ET_REL));
        }
        // libelf takes a file without them for one that has none.
        const uint64_t table = uint64_t{header.e_shnum} * sizeof(Elf64_Shdr);
        const uint64_t file_size = object_.bytes.size();
        if (header.e_shoff > file_size or table > file_size - header.e_shoff) {
            return bad(
                fmt::format("the file was cut off: its section headers ({} bytes at {}) "
                            "exceed the {} bytes that there are",
                            table, header.e_shoff, file_size));
        }
        if (elf_getshdrstrndx(elf_, &name_table_) != 0) return libelf_error("section names");
        return {};
    }

    maybe_error read_sections() {
        std::size_t count = 0;
        if (elf_getshdrnum(elf_, &count) != 0) return libelf_error("section headers");
        object_.sections.resize(std::max<std::size_t>(count, 1));
        headers_.resize(object_.sections.size());
        for (std::size_t i = 1; i < count; ++i) {
            if (auto e = read_section(i)) return e;
        }
        for (std::size_t i = 1; i < count; ++i) {
            const auto name = name_at(name_table_, headers_[i].sh_name);
            if (not name)
                return bad(fmt::format("the name of section {} is outside the name table", i));
            object_.sections[i].name = *name;
        }
        return {};
    }

    /// The name that begins at `offset` of section `table`.
    std::optional<std::string_view> name_at(std::size_t table, std::size_t offset) const {
        if (table >= object_.sections.size()) return {};
        const std::span<const uint8_t> names = object_.sections[table].bytes;
        if (offset >= names.size()) return {};
        const auto rest = names.subspan(offset, std::min(names.size() - offset, longest_name + 1));
        const auto end = std::ranges::find(rest, uint8_t{0});
        if (end == rest.end() and rest.size() <= longest_name) return {};
        const auto length = static_cast<std::size_t>(end - rest.begin());
        return std::string_view{reinterpret_cast<const char *>(rest.data()), length};
    }

    maybe_error read_section(std::size_t index) {
        GElf_Shdr &header = headers_[index];
        Elf_Scn *handle = elf_getscn(elf_, index);
        if (handle == nullptr or gelf_getshdr(handle, &header) == nullptr) {
            return libelf_error(fmt::format("section header {}", index));
        }
        elf_section &s = object_.sections[index];
        s = {{}, header.sh_type, header.sh_flags, header.sh_size, {}, {}, header.sh_addralign};
        if (header.sh_type == SHT_NOBITS or header.sh_type == SHT_NULL) return {};
        const uint64_t file_size = object_.bytes.size();
        if (header.sh_offset > file_size or header.sh_size > file_size - header.sh_offset) {
            return bad(fmt::format("section {} ({} bytes at {}) exceeds the file of {} bytes",
                                   index, header.sh_size, header.sh_offset, file_size));
        }
        s.bytes = std::span{object_.bytes}.subspan(header.sh_offset, header.sh_size);
        return {};
    }

    /// The table in section `index`, which must hold whole entries of `entry_size` bytes.
    result<Elf_Data *> table(std::size_t index, std::size_t entry_size) {
        const elf_section &s = object_.sections[index];
        if (headers_[index].sh_entsize != entry_size or s.bytes.size() % entry_size != 0) {
            return std::unexpected{
                bad(fmt::format("section '{}' holds no whole number of entries of {} bytes",
                                printable(s.name), entry_size))};
        }
        Elf_Data *data = elf_getdata(elf_getscn(elf_, index), nullptr);
        if (data == nullptr or data->d_size != s.bytes.size()) {
            return std::unexpected{libelf_error(fmt::format("section '{}'", printable(s.name)))};
        }
        return data;
    }

    maybe_error read_symbols() {
        for (std::size_t i = 1; i < object_.sections.size(); ++i) {
            if (object_.sections[i].type != SHT_SYMTAB) continue;
            if (symbol_table_ != 0) return bad("more than one symbol table");
            symbol_table_ = i;
        }
        if (symbol_table_ == 0) return bad("no symbol table: the object was stripped");
        const auto data = table(symbol_table_, sizeof(Elf64_Sym));
        if (not data) return data.error();
        const std::size_t count = (*data)->d_size / sizeof(Elf64_Sym);
        object_.symbols.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            if (auto e = read_symbol(*data, i)) return e;
        }
        return {};
    }

    maybe_error read_symbol(Elf_Data *data, std::size_t index) {
        GElf_Sym symbol;
        if (gelf_getsym(data, static_cast<int>(index), &symbol) == nullptr) {
            return libelf_error(fmt::format("symbol {}", index));
        }
        const auto name = name_at(headers_[symbol_table_].sh_link, symbol.st_name);
        if (not name)
            return bad(fmt::format("the name of symbol {} is outside the name table", index));
        if (symbol.st_shndx == SHN_XINDEX) {
            return make_error(error_code::unsupported,
                              "objects with more than 65,279 sections are not supported");
        }
        if (symbol.st_shndx < SHN_LORESERVE and symbol.st_shndx >= object_.sections.size()) {
            return bad(fmt::format("symbol '{}' lies in section {} of {}", printable(*name),
                                   symbol.st_shndx, object_.sections.size()));
        }
        object_.symbols.push_back({*name, symbol.st_shndx, symbol.st_value, symbol.st_size,
                                   static_cast<uint8_t>(GELF_ST_TYPE(symbol.st_info)),
                                   static_cast<uint8_t>(GELF_ST_BIND(symbol.st_info))});
        return {};
    }

    maybe_error read_relocations() {
        for (std::size_t i = 1; i < object_.sections.size(); ++i) {
            const uint32_t type = object_.sections[i].type;
            if (type != SHT_REL and type != SHT_RELA) continue;
            const uint32_t target = headers_[i].sh_info;
            if (target == 0 or target >= object_.sections.size()) {
                return bad(fmt::format("section '{}' relocates section {} of {}",
                                       printable(object_.sections[i].name), target,
                                       object_.sections.size()));
            }
            if (not is_read(object_.sections[target])) continue;
            if (headers_[i].sh_link != symbol_table_) {
                return bad(fmt::format("section '{}' does not refer to the symbol table",
                                       printable(object_.sections[i].name)));
            }
            if (auto e = read_relocation_table(i, object_.sections[target])) return e;
        }
        return sort_relocations();
    }

    /// Relocations of debug information and the like are of no use here.
    static bool is_read(const elf_section &s) {
        return s.is_loaded() or s.name == btf_section or s.name == btf_ext_section or
               s.name == jump_table_section;
    }

    maybe_error read_relocation_table(std::size_t index, elf_section &target) {
        const bool has_addends = object_.sections[index].type == SHT_RELA;
        const std::size_t entry_size = has_addends ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);
        const auto data = table(index, entry_size);
        if (not data) return data.error();
        const std::size_t count = (*data)->d_size / entry_size;
        for (std::size_t i = 0; i < count; ++i) {
            const auto entry = has_addends ? read_rela(*data, i) : read_rel(*data, i);
            if (not entry) return entry.error();
            if (entry->symbol >= object_.symbols.size()) {
                return bad(fmt::format("relocation {} of section '{}' names symbol {} of {}", i,
                                       printable(object_.sections[index].name), entry->symbol,
                                       object_.symbols.size()));
            }
            target.relocations.push_back(*entry);
        }
        return {};
    }

    static result<elf_relocation> read_rel(Elf_Data *data, std::size_t index) {
        GElf_Rel entry;
        if (gelf_getrel(data, static_cast<int>(index), &entry) == nullptr) {
            return std::unexpected{libelf_error("relocation")};
        }
        return elf_relocation{entry.r_offset, static_cast<uint32_t>(GELF_R_TYPE(entry.r_info)),
                              static_cast<uint32_t>(GELF_R_SYM(entry.r_info))};
    }

    /// eBPF keeps addends in the instruction; an addend beside it would change the meaning, so only
    /// zero is taken.
    static result<elf_relocation> read_rela(Elf_Data *data, std::size_t index) {
        GElf_Rela entry;
        if (gelf_getrela(data, static_cast<int>(index), &entry) == nullptr) {
            return std::unexpected{libelf_error("relocation")};
        }
        if (entry.r_addend != 0) {
            return std::unexpected{make_error(
                error_code::unsupported,
                fmt::format(
                    "relocation with the explicit addend {}: eBPF keeps addends in the instruction",
                    entry.r_addend))};
        }
        return elf_relocation{entry.r_offset, static_cast<uint32_t>(GELF_R_TYPE(entry.r_info)),
                              static_cast<uint32_t>(GELF_R_SYM(entry.r_info))};
    }

    maybe_error sort_relocations() {
        for (elf_section &s : object_.sections) {
            std::ranges::sort(s.relocations, {}, &elf_relocation::offset);
            const auto twice =
                std::ranges::adjacent_find(s.relocations, {}, &elf_relocation::offset);
            if (twice == s.relocations.end()) continue;
            return bad(fmt::format("two relocations at offset {} of section '{}'", twice->offset,
                                   printable(s.name)));
        }
        return {};
    }

    elf_object object_;
    Elf *elf_ = nullptr;
    std::size_t name_table_ = 0;
    std::size_t symbol_table_ = 0;
    std::vector<GElf_Shdr> headers_;
};

}  // namespace

std::string printable(std::string_view name) {
    std::string text;
    for (const char c : name.substr(0, longest_name)) {
        const bool plain = c >= ' ' and c <= '~' and c != '\\';
        text += plain ? std::string{c} : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    if (name.size() > longest_name) text += "...";
    return text;
}

bool elf_section::is_executable() const noexcept {
    return type == SHT_PROGBITS and (flags & SHF_EXECINSTR) != 0;
}

bool elf_section::is_loaded() const noexcept { return (flags & SHF_ALLOC) != 0; }

const elf_section *elf_object::find(std::string_view name) const noexcept {
    const auto found = std::ranges::find(sections, name, &elf_section::name);
    return found == sections.end() or name.empty() ? nullptr : &*found;
}

const elf_section *elf_object::section_of(const elf_symbol &symbol) const noexcept {
    const bool somewhere = symbol.section != SHN_UNDEF and symbol.section < SHN_LORESERVE;
    return somewhere ? &sections[symbol.section] : nullptr;
}

result<elf_object> read_elf(std::span<const uint8_t> bytes) { return reader{bytes}.read(); }

}  // namespace bpftime::vm::object
