// bpftime-vm: slots as numbers, and the rows that they are
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/isa.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace bpftime::vm::isa {

/// A slot's bytes as a little-endian number: opcode, dst, src, offset, imm from its low end.
namespace word_fields {
inline constexpr uint64_t src = 0xf000;
inline constexpr uint64_t offset = 0xffff'0000;
inline constexpr uint64_t imm = 0xffff'ffff'0000'0000;
}  // namespace word_fields

[[nodiscard]] inline uint64_t read_word(std::span<const uint8_t> code, std::size_t i) noexcept {
    uint64_t word = 0;
    std::memcpy(&word, code.data() + i * slot_size, slot_size);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
}

[[nodiscard]] constexpr slot slot_of(uint64_t word) noexcept {
    return {.opcode = static_cast<uint8_t>(word),
            .dst = static_cast<uint8_t>(word >> 8 & 0x0f),
            .src = static_cast<uint8_t>(word >> 12 & 0x0f),
            .offset = static_cast<int16_t>(word >> 16),
            .imm = static_cast<int32_t>(word >> 32)};
}

[[nodiscard]] constexpr uint64_t word_of(const slot &s) noexcept {
    return s.opcode | uint64_t{s.dst} << 8 | uint64_t{s.src} << 12 |
           uint64_t{static_cast<uint16_t>(s.offset)} << 16 |
           uint64_t{static_cast<uint32_t>(s.imm)} << 32;
}

/// What of a row tells it from others of its opcode byte: fields that have a value, or have not.
struct row_key {
    uint64_t fields = 0;
    uint64_t value = 0;
    bool differs = false;
    insn_id id = insn_id::none;

    [[nodiscard]] constexpr bool selects(uint64_t word) const noexcept {
        return ((word & fields) == value) != differs;
    }
};

[[nodiscard]] constexpr row_key key_of(insn_id id) noexcept {
    const insn_info &row = info(id);
    const auto value = static_cast<uint64_t>(int64_t{row.selector_value});
    switch (row.selector) {
    case selector::none: break;
    case selector::offset:
        return {word_fields::offset, value << 16 & word_fields::offset, false, id};
    case selector::imm: return {word_fields::imm, value << 32, false, id};
    case selector::imm_nonzero: return {word_fields::imm, 0, true, id};
    case selector::src: return {word_fields::src, value << 12 & word_fields::src, false, id};
    }
    return {.id = id};
}

/// Rows sorted by opcode byte, and where the rows of each byte begin.
struct opcode_index {
    std::array<row_key, insn_count> rows{};
    std::array<uint8_t, 257> first{};
};

constexpr opcode_index make_opcode_index() {
    opcode_index index;
    std::size_t filled = 0;
    for (std::size_t opcode = 0; opcode < 256; ++opcode) {
        index.first[opcode] = static_cast<uint8_t>(filled);
        for (std::size_t i = 0; i < insn_count; ++i) {
            if (insn_table[i].opcode == opcode)
                index.rows[filled++] = key_of(static_cast<insn_id>(i));
        }
    }
    index.first[256] = static_cast<uint8_t>(filled);
    return index;
}

inline constexpr opcode_index rows_by_opcode = make_opcode_index();

[[nodiscard]] constexpr std::span<const row_key> rows_of(uint8_t opcode) noexcept {
    const std::size_t first = rows_by_opcode.first[opcode];
    const std::size_t end = rows_by_opcode.first[opcode + std::size_t{1}];
    return std::span{rows_by_opcode.rows}.subspan(first, end - first);
}

/// The row that the slot is, insn_id::none if there is none.
[[nodiscard]] constexpr insn_id find_row(uint64_t word) noexcept {
    for (const row_key &row : rows_of(static_cast<uint8_t>(word))) {
        if (row.selects(word)) return row.id;
    }
    return insn_id::none;
}

}  // namespace bpftime::vm::isa
