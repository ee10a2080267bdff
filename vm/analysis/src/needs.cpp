// bpftime-vm: which registers tell something of addresses and branches
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "needs.hpp"

#include <array>

namespace bpftime::vm::analysis {

namespace {

using isa::operation_kind;
using isa::register_role;

constexpr reg_set bit(unsigned reg) noexcept { return static_cast<reg_set>(1U << reg); }
constexpr reg_set arguments = 0x3e;
constexpr reg_set call_results = 0x3f;
constexpr reg_set all = 0x3ff;

/// What going back over an instruction does, apart from the registers that it names.
struct row {
    bool is_result = false;  ///< its operands are needed if its result is
    bool needs_dst = false;  ///< an address, or a side of a branch
    bool needs_src = false;
    bool reads_dst = false;
    bool reads_src = false;
    bool writes_dst = false;
    bool writes_src = false;
    bool is_call = false;
    bool is_exit = false;
    bool is_store = false;
    bool is_cmpxchg = false;
    bool stores_src = false;
};

constexpr bool reads(register_role r) {
    return r == register_role::read or r == register_role::update;
}
constexpr bool writes(register_role r) {
    return r == register_role::write or r == register_role::update;
}

constexpr row make_row(const isa::insn_info &from) {
    const isa::shape_info &form = isa::info(from.shape);
    const operation_kind kind = isa::info(from.operation).kind;
    const bool loads =
        kind == operation_kind::load or from.operation == isa::operation::load_acquire;
    const bool is_memory = form.offset == isa::offset_role::memory;
    const bool is_branch = kind == operation_kind::branch;
    return {.is_result = kind == operation_kind::alu or kind == operation_kind::convert,
            .needs_dst = (is_memory and not loads) or (is_branch and reads(form.dst)),
            .needs_src = (is_memory and loads) or (is_branch and reads(form.src)),
            .reads_dst = reads(form.dst),
            .reads_src = reads(form.src),
            .writes_dst = writes(form.dst),
            .writes_src = writes(form.src),
            .is_call = kind == operation_kind::call or kind == operation_kind::packet,
            .is_exit = kind == operation_kind::exit,
            .is_store =
                kind == operation_kind::store or from.operation == isa::operation::store_release,
            .is_cmpxchg = from.operation == isa::operation::atomic_cmpxchg,
            .stores_src = is_memory and not loads and reads(form.src)};
}

/// The last row is that of the second slot of lddw.
constexpr auto rows = [] {
    std::array<row, isa::insn_count + 1> out{};
    for (std::size_t i = 0; i < isa::insn_count; ++i) out[i] = make_row(isa::insn_table[i]);
    return out;
}();

constexpr reg_set without(reg_set set, unsigned reg) noexcept {
    return static_cast<reg_set>(set & ~bit(reg));
}
constexpr reg_set with(reg_set set, unsigned reg) noexcept {
    return static_cast<reg_set>(set | bit(reg));
}

/// The slots with bytes that an instruction accesses by r10.
slot_set slots_of(const isa::instruction &i) noexcept {
    const int end = i.offset + static_cast<int>(isa::bytes_of(isa::info(i.id).width));
    if (end > 0 or i.offset < -64 * 8) return 0;
    const auto lowest = static_cast<unsigned>(-i.offset - 1) / 8;
    const auto highest = static_cast<unsigned>(-end) / 8;
    return slot_set{1} << lowest | slot_set{1} << highest;
}

bool is_whole_slot(const isa::instruction &i) noexcept {
    return isa::info(i.id).width == isa::width::w64 and i.offset % 8 == 0;
}

}  // namespace

needs::set needs::before(const isa::instruction &i, bool is_entry_function, set s) const {
    const row &r = rows[static_cast<std::size_t>(i.id)];
    if (r.is_result) {
        if (not has(s.registers, i.dst)) return s;
        if (not r.reads_dst) s.registers = without(s.registers, i.dst);
        if (r.reads_src) s.registers = with(s.registers, i.src);
        return s;
    }
    if (r.is_call) {
        s.registers = static_cast<reg_set>((s.registers & ~call_results) | arguments);
        if (i.id == isa::insn_id::callx) s.registers = with(s.registers, i.dst);
        if (i.id == isa::insn_id::callx_imm)
            s.registers = with(s.registers, static_cast<unsigned>(i.imm));
        return s;
    }
    if (r.is_exit) return {is_entry_function and not follows_stored_ ? reg_set{0} : bit(0), 0};
    const bool loads_slot = r.needs_src and i.src == isa::frame_pointer and has(s.registers, i.dst);
    if (r.writes_dst) s.registers = without(s.registers, i.dst);
    if (r.writes_src) s.registers = without(s.registers, i.src);
    if (r.is_cmpxchg) s.registers = without(s.registers, 0);
    if (r.needs_dst) s.registers = with(s.registers, i.dst);
    if (r.needs_src) s.registers = with(s.registers, i.src);
    if (loads_slot) s.slots |= slots_of(i);
    if (follows_stored_ and r.stores_src) s.registers = with(s.registers, i.src);
    if (follows_stored_ and r.is_cmpxchg) s.registers = with(s.registers, 0);
    if (r.is_store and i.dst == isa::frame_pointer and is_whole_slot(i)) {
        const slot_set slot = slots_of(i);
        if (r.reads_src and (s.slots & slot) != 0) s.registers = with(s.registers, i.src);
        s.slots &= ~slot;
    }
    return s;
}

needs::set needs::behind(const basic_block &b) const {
    set s;
    for (const uint32_t to : code_.successors_of(b)) {
        s.registers = static_cast<reg_set>(s.registers | at_[to].registers);
        s.slots |= at_[to].slots;
    }
    return s;
}

needs::set needs::walk_back(const basic_block &b, set s, bool records) {
    const auto insns = code_.insns();
    const bool is_entry_function = b.function == 0;
    for (uint32_t pc = b.end; pc-- > b.begin;) {
        if (records) {
            const bool stores = rows[static_cast<std::size_t>(insns[pc].id)].is_store and
                                insns[pc].dst == isa::frame_pointer and
                                (slots_of(insns[pc]) & s.slots) != 0;
            after_[pc] = static_cast<reg_set>(s.registers | (stores ? stores_bit : 0));
        }
        s = before(insns[pc], is_entry_function, s);
    }
    return s;
}

needs::needs(const program &p, bool follows_stored)
    : code_{p}, follows_stored_{follows_stored}, after_(p.size()), at_(p.blocks().size()) {
    // Loops that nest deeper than this are rare: everything is needed in their programs then.
    constexpr unsigned most_rounds = 8;
    constexpr set everything{all, ~slot_set{0}};
    const auto blocks = p.blocks();
    bool changed = true;
    for (unsigned round = 0; changed; ++round) {
        changed = false;
        for (std::size_t b = blocks.size(); b-- > 0;) {
            if (not blocks[b].reachable) continue;
            const set s =
                round == most_rounds ? everything : walk_back(blocks[b], behind(blocks[b]), false);
            changed = changed or (s != at_[b] and round < most_rounds);
            at_[b] = s;
        }
    }
    for (const basic_block &b : blocks) {
        if (b.reachable) static_cast<void>(walk_back(b, behind(b), true));
    }
}

}  // namespace bpftime::vm::analysis
