// bpftime-vm: an ELF object as plain data, every reference checked
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::object {

/// What a relocation changes (the ABI of LLVM's BPF target).
enum class relocation_type : uint32_t {
    none = 0,          ///< R_BPF_NONE
    wide_imm = 1,      ///< R_BPF_64_64: the 64-bit immediate of lddw; before LLVM 13 data too
    data_64 = 2,       ///< R_BPF_64_ABS64: 8 bytes of data
    data_32 = 3,       ///< R_BPF_64_ABS32: 4 bytes of data
    no_loader_32 = 4,  ///< R_BPF_64_NODYLD32: 4 bytes of what only tools read
    call_imm = 10,     ///< R_BPF_64_32: the target of a call; before LLVM 13 4 bytes of data too
};

inline constexpr std::string_view btf_section = ".BTF";
inline constexpr std::string_view btf_ext_section = ".BTF.ext";
inline constexpr std::string_view jump_table_section = ".jumptables";
/// Variables in address space 1: the begin of the arena.
inline constexpr std::string_view arena_section = ".addr_space.1";

struct elf_relocation {
    uint64_t offset = 0;  ///< bytes from the start of the section that it changes
    uint32_t type = 0;
    uint32_t symbol = 0;  ///< index into elf_object::symbols
};

struct elf_section {
    std::string_view name;  ///< as in the file: print it through printable()
    uint32_t type = 0;
    uint64_t flags = 0;
    uint64_t size = 0;
    std::span<const uint8_t> bytes;  ///< empty for sections without contents
    /// Of what is loaded, and of types; sorted, one per offset.
    std::vector<elf_relocation> relocations;
    uint64_t alignment = 1;  ///< as in the file

    [[nodiscard]] bool is_executable() const noexcept;
    /// Whether programs see it in memory.
    [[nodiscard]] bool is_loaded() const noexcept;
};

struct elf_symbol {
    std::string_view name;  ///< as in the file: print it through printable()
    uint32_t section = 0;  ///< index into elf_object::sections, or one of the reserved values SHN_*
    uint64_t value = 0;
    uint64_t size = 0;
    uint8_t type = 0;     ///< STT_*
    uint8_t binding = 0;  ///< STB_*
};

/// Index = index in the file; section 0 and symbol 0 are the empty ones. Names and contents lie in
/// `bytes`.
struct elf_object {
    elf_object() = default;
    elf_object(elf_object &&) noexcept = default;
    elf_object &operator=(elf_object &&) noexcept = default;

    std::vector<uint8_t> bytes;
    std::vector<elf_section> sections;
    std::vector<elf_symbol> symbols;

    /// The first section called `name`; null if there is none.
    [[nodiscard]] const elf_section *find(std::string_view name) const noexcept;
    [[nodiscard]] uint32_t index_of(const elf_section &s) const noexcept {
        return static_cast<uint32_t>(&s - sections.data());
    }
    /// The section that `symbol` lies in; null if it is undefined, absolute or common.
    [[nodiscard]] const elf_section *section_of(const elf_symbol &symbol) const noexcept;
};

/// `name` as it may be shown on a terminal: unprintable bytes as \xNN, what does not fit cut off.
[[nodiscard]] std::string printable(std::string_view name);

/// Reads sections, symbols and the relocations of loaded sections and of types. Afterwards every
/// section's bytes lie in the file, and every index that a symbol or a relocation holds is valid.
[[nodiscard]] result<elf_object> read_elf(std::span<const uint8_t> bytes);

}  // namespace bpftime::vm::object
