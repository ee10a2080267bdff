// bpftime-vm: finding the row of an instruction, reading and writing slots
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/isa.hpp"

#include <algorithm>
#include <utility>

namespace bpftime::vm::isa {

namespace {

constexpr bool selects(const insn_info &row, const slot &s) noexcept {
    switch (row.selector) {
    case selector::none: return true;
    case selector::offset: return s.offset == row.selector_value;
    case selector::imm: return s.imm == row.selector_value;
    case selector::imm_nonzero: return s.imm != 0;
    case selector::src: return s.src == row.selector_value;
    }
    std::unreachable();
}

/// Rows sorted by opcode byte, and where the rows of each byte begin.
struct opcode_index {
    std::array<insn_id, insn_count> rows{};
    std::array<uint8_t, 257> first{};
};

constexpr opcode_index make_index() {
    opcode_index index;
    std::size_t filled = 0;
    for (std::size_t opcode = 0; opcode < 256; ++opcode) {
        index.first[opcode] = static_cast<uint8_t>(filled);
        for (std::size_t i = 0; i < insn_count; ++i) {
            if (insn_table[i].opcode == opcode) index.rows[filled++] = static_cast<insn_id>(i);
        }
    }
    index.first[256] = static_cast<uint8_t>(filled);
    return index;
}

constexpr opcode_index index = make_index();

constexpr std::span<const insn_id> rows_of(uint8_t opcode) noexcept {
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
    for (const insn_id id : rows_of(s.opcode)) {
        if (selects(info(id), s)) return id;
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
    const auto b = code.subspan(i * slot_size).first<slot_size>();
    const auto imm =
        uint32_t{b[4]} | uint32_t{b[5]} << 8 | uint32_t{b[6]} << 16 | uint32_t{b[7]} << 24;
    return {.opcode = b[0],
            .dst = static_cast<uint8_t>(b[1] & 0x0f),
            .src = static_cast<uint8_t>(b[1] >> 4),
            .offset = static_cast<int16_t>(b[2] | b[3] << 8),
            .imm = static_cast<int32_t>(imm)};
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
