// bpftime-vm: programs that can be edited, from bytes and back
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "draft.hpp"

#include "isa/validate.hpp"
#include "program/program.hpp"

namespace bpftime::vm::fuzz {

namespace {

const isa::shape_info &form_of(isa::insn_id id) noexcept { return isa::info(isa::info(id).shape); }

/// The first slot of each statement, and one past the last.
std::vector<uint32_t> places_of(const draft &d) {
    std::vector<uint32_t> places{0};
    for (const statement &s : d.statements)
        places.push_back(places.back() + (isa::is_wide(s.insn.id) ? 2 : 1));
    return places;
}

/// `s` at slot `pc`, going to slot `target`.
statement aimed(statement s, uint32_t pc, uint32_t target) noexcept {
    const auto distance = static_cast<int32_t>(target - pc - 1);
    if (has_jump_offset(s.insn.id)) {
        s.insn.offset = static_cast<int16_t>(distance);
    } else if (has_relative_imm(s.insn.id)) {
        s.insn.imm = distance;
    } else if (s.insn.id == isa::insn_id::lddw) {
        const uint64_t handle = code_handle(target);
        s.insn.imm = static_cast<int32_t>(handle);
        s.next_imm = static_cast<int32_t>(handle >> 32);
    }
    return s;
}

/// The slot that an instruction at `pc` goes to; nothing if it goes nowhere.
std::optional<int64_t> slot_of_target(const isa::instruction &insn, int32_t next_imm,
                                      uint32_t pc) noexcept {
    if (has_jump_offset(insn.id)) return int64_t{pc} + 1 + insn.offset;
    if (has_relative_imm(insn.id)) return int64_t{pc} + 1 + insn.imm;
    const uint64_t wide = static_cast<uint64_t>(static_cast<uint32_t>(next_imm)) << 32 |
                          static_cast<uint32_t>(insn.imm);
    if (insn.id == isa::insn_id::lddw and is_code_handle(wide)) return int64_t{handle_pc(wide)};
    return std::nullopt;
}

}  // namespace

bool has_jump_offset(isa::insn_id id) noexcept {
    return form_of(id).offset == isa::offset_role::jump;
}

bool has_relative_imm(isa::insn_id id) noexcept {
    const isa::imm_role imm = form_of(id).imm;
    return imm == isa::imm_role::jump or imm == isa::imm_role::function;
}

template <typename Move>
void draft::move_references(Move move) {
    for (statement &s : statements) {
        if (s.target) s.target = move(*s.target);
    }
    for (std::size_t &entry : jump_table) entry = move(entry);
}

void draft::insert(std::size_t at, const statement &s) {
    move_references([&](std::size_t to) { return to >= at ? to + 1 : to; });
    statements.insert(statements.begin() + static_cast<std::ptrdiff_t>(at), s);
}

void draft::erase(std::size_t at) {
    statements.erase(statements.begin() + static_cast<std::ptrdiff_t>(at));
    move_references([&](std::size_t to) { return to > at ? to - 1 : to; });
}

bytecode lay_out(const draft &d) {
    const auto places = places_of(d);
    const auto place = [&](std::size_t target) {
        return target < places.size() ? places[target] : places.back();
    };
    bytecode out;
    out.code.resize(places.back() * isa::slot_size);
    for (std::size_t i = 0; i < d.statements.size(); ++i) {
        statement s = d.statements[i];
        if (s.target) s = aimed(s, places[i], place(*s.target));
        const auto at = std::span{out.code}.subspan(places[i] * isa::slot_size);
        isa::write_slot(isa::encode(s.insn), at.first<isa::slot_size>());
        if (isa::is_wide(s.insn.id))
            isa::write_slot({.imm = s.next_imm}, at.subspan<isa::slot_size, isa::slot_size>());
    }
    for (const std::size_t entry : d.jump_table) out.jump_targets.push_back(place(entry));
    return out;
}

draft parse(std::span<const uint8_t> code, std::span<const uint32_t> jump_targets) {
    const auto insns = isa::decode_all(code);
    if (not insns) return {};
    std::vector<std::size_t> statement_at;
    std::size_t count = 0;
    for (const isa::instruction &insn : *insns) {
        statement_at.push_back(insn.id == isa::insn_id::none ? count - 1 : count++);
    }
    const auto statement_of = [&](int64_t pc) {
        return pc >= 0 and pc < std::ssize(statement_at)
                   ? statement_at[static_cast<std::size_t>(pc)]
                   : count;
    };
    draft d;
    for (uint32_t pc = 0; pc < insns->size(); ++pc) {
        const isa::instruction &insn = (*insns)[pc];
        if (insn.id == isa::insn_id::none) continue;
        statement s{.insn = insn, .next_imm = isa::is_wide(insn.id) ? (*insns)[pc + 1].imm : 0};
        if (const auto target = slot_of_target(insn, s.next_imm, pc))
            s.target = statement_of(*target);
        d.statements.push_back(s);
    }
    for (const uint32_t pc : jump_targets) d.jump_table.push_back(statement_of(pc));
    return d;
}

}  // namespace bpftime::vm::fuzz
