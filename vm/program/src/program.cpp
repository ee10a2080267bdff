// bpftime-vm: the questions that engines ask a program
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "program/program.hpp"

#include "isa/text.hpp"

#include <algorithm>
#include <iterator>

namespace bpftime::vm {

uint32_t program::function_at(uint32_t pc) const noexcept {
    const auto after = std::ranges::upper_bound(functions_, pc, {}, &function::begin);
    return static_cast<uint32_t>(std::distance(functions_.begin(), after) - 1);
}

bool program::is_entry(uint32_t pc) const noexcept {
    return std::ranges::binary_search(functions_, pc, {}, &function::begin);
}

bool program::is_callable(uint64_t value) const noexcept {
    return is_code_handle(value) and is_entry(handle_pc(value)) and
           functions_[function_at(handle_pc(value))].reachable;
}

uint32_t program::jump_target(uint32_t pc) const noexcept {
    const isa::instruction &i = insns_[pc];
    const bool in_imm = isa::info(isa::info(i.id).shape).imm == isa::imm_role::jump;
    return pc + 1 + static_cast<uint32_t>(in_imm ? i.imm : i.offset);
}

uint32_t program::callee_pc(uint32_t pc) const noexcept {
    return pc + 1 + static_cast<uint32_t>(insns_[pc].imm);
}

uint64_t program::wide_imm(uint32_t pc) const noexcept {
    return static_cast<uint64_t>(static_cast<uint32_t>(insns_[pc + 1].imm)) << 32 |
           static_cast<uint32_t>(insns_[pc].imm);
}

std::vector<uint8_t> program::bytes() const {
    std::vector<uint8_t> code(insns_.size() * isa::slot_size);
    for (std::size_t pc = 0; pc < insns_.size(); ++pc) {
        const isa::instruction &i = insns_[pc];
        const isa::slot s = i.id == isa::insn_id::none ? isa::slot{.imm = i.imm} : isa::encode(i);
        isa::write_slot(s, std::span{code}.subspan(pc * isa::slot_size).first<isa::slot_size>());
    }
    return code;
}

std::string program::text_at(uint32_t pc) const {
    const isa::instruction &i = insns_[pc];
    return isa::to_text(i, isa::is_wide(i.id) ? insns_[pc + 1].imm : 0);
}

}  // namespace bpftime::vm
