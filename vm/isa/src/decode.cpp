// bpftime-vm: finding the row of an instruction, reading and writing slots
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "opcode_index.hpp"

#include <algorithm>

namespace bpftime::vm::isa {

namespace {

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

// The table is a function from encodings to rows: every row decodes to itself and no two rows match
// one slot.
constexpr bool is_unambiguous() {
    for (std::size_t i = 0; i < insn_count; ++i) {
        const auto id = static_cast<insn_id>(i);
        const uint64_t word =
            word_of(encode_row({.id = id, .imm = info(id).selector == selector::imm_nonzero}));
        const auto selects = [word](const row_key &key) { return key.selects(word); };
        if (std::ranges::count_if(rows_of(info(id).opcode), selects) != 1 or find_row(word) != id)
            return false;
    }
    return true;
}
static_assert(is_unambiguous());
static_assert(insn_count < 256, "first[] and insn_id are bytes");

}  // namespace

slot read_slot(std::span<const uint8_t> code, std::size_t i) noexcept {
    return slot_of(read_word(code, i));
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

insn_id find_row(const slot &s) noexcept { return find_row(word_of(s)); }

bool is_known_opcode(uint8_t opcode) noexcept { return not rows_of(opcode).empty(); }

slot encode(const instruction &insn) noexcept { return encode_row(insn); }

}  // namespace bpftime::vm::isa
