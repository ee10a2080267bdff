// bpftime-vm: finding the row of an instruction, reading and writing slots
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/isa.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace bpftime::vm::isa {

namespace {

constexpr bool selects(const auto &row, const slot &s) noexcept {
    switch (row.selector) {
    case selector::none: return true;
    case selector::offset: return s.offset == row.selector_value;
    case selector::imm: return s.imm == row.selector_value;
    case selector::imm_nonzero: return s.imm != 0;
    case selector::src: return s.src == row.selector_value;
    }
    std::unreachable();
}

/// What of a row tells it from others of its opcode byte.
struct row_key {
    insn_id id;
    isa::selector selector;
    int32_t selector_value;
};

/// Rows sorted by opcode byte, and where the rows of each byte begin.
struct opcode_index {
    std::array<row_key, insn_count> rows{};
    std::array<uint8_t, 257> first{};
};

constexpr opcode_index make_index() {
    opcode_index index;
    std::size_t filled = 0;
    for (std::size_t opcode = 0; opcode < 256; ++opcode) {
        index.first[opcode] = static_cast<uint8_t>(filled);
        for (std::size_t i = 0; i < insn_count; ++i) {
            const insn_info &row = insn_table[i];
            if (row.opcode == opcode)
                index.rows[filled++] = {static_cast<insn_id>(i), row.selector, row.selector_value};
        }
    }
    index.first[256] = static_cast<uint8_t>(filled);
    return index;
}

constexpr opcode_index index = make_index();

constexpr std::span<const row_key> rows_of(uint8_t opcode) noexcept {
    const std::size_t first = index.first[opcode];
    return std::span{index.rows}.subspan(first, index.first[opcode + std::size_t{1}] - first);
}

constexpr slot encode_row(const instruction &insn) noexcept {
    const insn_info &row = info(insn.id);
    slot s{row.opcode, insn.dst, insn.src, insn.offset, insn.imm};
    switch (row.selector) {
    case selector::none:
    case selector::imm_nonzero: break;
    case selector::offset: s.offset = static_cast<int16_t>(row.selector_value); break;
    case selector::imm: s.imm = row.selector_value; break;
    case selector::src: s.src = static_cast<uint8_t>(row.selector_value); break;
    }
    return s;
}

constexpr insn_id find(const slot &s) noexcept {
    for (const row_key &row : rows_of(s.opcode)) {
        if (selects(row, s)) return row.id;
    }
    return insn_id::none;
}

// The table is a function from encodings to rows: every row decodes to itself and no two rows match
// one slot.
constexpr bool is_unambiguous() {
    for (std::size_t i = 0; i < insn_count; ++i) {
        const auto id = static_cast<insn_id>(i);
        const slot s = encode_row({.id = id, .imm = info(id).selector == selector::imm_nonzero});
        const auto matches = std::ranges::count_if(insn_table, [&](const insn_info &row) {
            return row.opcode == s.opcode and selects(row, s);
        });
        if (matches != 1 or find(s) != id) return false;
    }
    return true;
}
static_assert(is_unambiguous());
static_assert(insn_count < 256, "first[] and insn_id are bytes");

}  // namespace

slot read_slot(std::span<const uint8_t> code, std::size_t i) noexcept {
    uint64_t word = 0;
    std::memcpy(&word, code.data() + i * slot_size, slot_size);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return {.opcode = static_cast<uint8_t>(word),
            .dst = static_cast<uint8_t>(word >> 8 & 0x0f),
            .src = static_cast<uint8_t>(word >> 12 & 0x0f),
            .offset = static_cast<int16_t>(word >> 16),
            .imm = static_cast<int32_t>(word >> 32)};
}

void write_slot(const slot &s, std::span<uint8_t, slot_size> out) noexcept {
    const auto offset = static_cast<uint16_t>(s.offset);
    const auto imm = static_cast<uint32_t>(s.imm);
    out[0] = s.opcode;
    out[1] = static_cast<uint8_t>(s.src << 4 | s.dst);
    out[2] = static_cast<uint8_t>(offset);
    out[3] = static_cast<uint8_t>(offset >> 8);
    for (std::size_t i = 0; i < 4; ++i) out[4 + i] = static_cast<uint8_t>(imm >> (8 * i));
}

insn_id find_row(const slot &s) noexcept { return find(s); }

bool is_known_opcode(uint8_t opcode) noexcept { return not rows_of(opcode).empty(); }

slot encode(const instruction &insn) noexcept { return encode_row(insn); }

}  // namespace bpftime::vm::isa
