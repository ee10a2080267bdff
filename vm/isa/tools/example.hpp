// bpftime-vm: one valid instruction of every row, for the ISA page and the tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/isa.hpp"

#include <cstdint>

namespace bpftime::vm::isa {

/// What the fields hold where a row uses them.
inline constexpr uint8_t example_dst = 1;
inline constexpr uint8_t example_src = 2;
inline constexpr int16_t example_jump = 3;    ///< slots
inline constexpr int16_t example_memory = 8;  ///< bytes
inline constexpr int16_t example_index = 4;   ///< BTF file descriptor index
inline constexpr int32_t example_imm = 7;
inline constexpr int32_t example_spaces = 1;  ///< from address space 1 to 0
inline constexpr int32_t example_next_imm = 16;

/// An instruction, and the immediate of its second slot if it has one.
struct example {
    instruction insn;
    int32_t next_imm = 0;
};

[[nodiscard]] constexpr int16_t example_offset(offset_role role) noexcept {
    switch (role) {
    case offset_role::none: return 0;
    case offset_role::jump: return example_jump;
    case offset_role::memory: return example_memory;
    case offset_role::index: return example_index;
    }
    return 0;
}

[[nodiscard]] constexpr int32_t example_immediate(imm_role role) noexcept {
    switch (role) {
    case imm_role::none: return 0;
    case imm_role::jump:
    case imm_role::function: return example_jump;
    case imm_role::spaces: return example_spaces;
    default: return example_imm;
    }
}

/// Every field that row `id` uses set, every other field zero.
[[nodiscard]] constexpr example example_of(insn_id id) noexcept {
    const insn_info &row = info(id);
    const shape_info &form = info(row.shape);
    example e{.insn = {.id = id,
                       .dst = form.dst == register_role::none ? uint8_t{0} : example_dst,
                       .src = form.src == register_role::none ? uint8_t{0} : example_src,
                       .offset = example_offset(form.offset),
                       .imm = example_immediate(form.imm)}};
    if (row.selector == selector::src) e.insn.src = static_cast<uint8_t>(row.selector_value);
    if (row.selector == selector::offset) e.insn.offset = static_cast<int16_t>(row.selector_value);
    if (row.selector == selector::imm) e.insn.imm = row.selector_value;
    if (form.imm == imm_role::wide or form.imm == imm_role::object_offset)
        e.next_imm = example_next_imm;
    return e;
}

}  // namespace bpftime::vm::isa
