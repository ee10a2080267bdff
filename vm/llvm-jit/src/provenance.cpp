// bpftime-vm: where the values of a program's registers come from, and which of them are addresses
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "provenance.hpp"

#include <algorithm>
#include <bit>

namespace bpftime::vm::llvm_jit {

namespace {

using isa::insn_id;
using isa::operation;
using isa::operation_kind;

constexpr origin integer{.kind = origin_kind::integer};
constexpr origin opaque{.kind = origin_kind::opaque};
constexpr origin pointer{.kind = origin_kind::pointer};

bool is_helper_call(const isa::instruction &i) {
    return isa::info(i.id).operation == operation::call_helper;
}

bool is_callx(const isa::instruction &i) { return isa::info(i.id).operation == operation::callx; }

/// The register that holds callx's target.
uint8_t callx_register(const isa::instruction &i) {
    return i.id == insn_id::callx_imm ? static_cast<uint8_t>(i.imm) : i.dst;
}

bool is_memory_access(const isa::instruction &i) {
    return isa::info(isa::info(i.id).shape).offset == isa::offset_role::memory;
}

/// The register that a memory access is based on: the source of loads, the destination of the rest.
uint8_t base_register(const isa::instruction &i) {
    const auto &row = isa::info(i.id);
    const bool loads = row.operation == operation::load or row.operation == operation::load_sx or
                       row.operation == operation::load_acquire;
    return loads ? i.src : i.dst;
}

bool has_source(const isa::instruction &i) {
    return isa::info(isa::info(i.id).shape).src != isa::register_role::none;
}

bool is_wide_add(insn_id id) { return id == insn_id::add64_reg or id == insn_id::add64_imm; }
bool is_wide_sub(insn_id id) { return id == insn_id::sub64_reg or id == insn_id::sub64_imm; }

/// The registers that a helper gets.
reg_set arguments_of(const compat::helper_binding *helper) {
    if (helper == nullptr) return argument_regs;
    return argument_regs & ((reg_bit(1) << helper->declaration().arity()) - 1);
}

/// What a value is to those who follow no maps.
origin_kind kind_of(const origin &o) {
    switch (o.kind) {
    case origin_kind::map: return origin_kind::opaque;
    case origin_kind::value: return origin_kind::pointer;
    default: return o.kind;
    }
}

/// What one of two values may be, or their sum; neither is an address of the frame.
origin united(const origin &first, const origin &second) {
    const origin a{.kind = kind_of(first)};
    const origin b{.kind = kind_of(second)};
    if (a.kind == origin_kind::pointer or b.kind == origin_kind::pointer) return pointer;
    return a == integer and b == integer ? integer : opaque;
}

/// An address of the frame or of a value + `by`, as long as the offset stays small enough to be
/// worth knowing.
origin moved(const origin &from, int64_t by, int64_t reach) {
    const int64_t offset = from.offset + by;
    const bool fits = from.exact and offset > -reach and offset < reach;
    if (not fits) return from.is_frame() ? origin{.kind = origin_kind::frame} : pointer;
    origin to = from;
    to.offset = static_cast<int32_t>(offset);
    return to;
}

}  // namespace

origin merge(const origin &to, const origin &from) {
    if (to.kind == origin_kind::nothing or to == from) return from;
    if (from.kind == origin_kind::nothing) return to;
    if (to.is_frame() and from.is_frame()) return {.kind = origin_kind::frame};
    if (to.is_frame() or from.is_frame()) return integer;
    return united(to, from);
}

provenance::provenance(const program &p, const compat::linkage &linked, uint32_t frame_size,
                       int64_t reach, bool probes_maps)
    : p_{p},
      linked_{linked},
      frame_size_{frame_size},
      reach_{reach},
      probes_maps_{probes_maps},
      blocks_(p.blocks().size()),
      functions_(p.functions().size()),
      value_escapes_(linked.maps().size()),
      is_address_(p.size()),
      base_is_source_(p.size()) {
    find_all_liveness();
    const auto for_each_reachable = [&](auto find) {
        for (uint32_t f = 0; f < functions_.size(); ++f) {
            if (p_.functions()[f].reachable) (this->*find)(f);
        }
    };
    for_each_reachable(&provenance::find_origins);
    for_each_reachable(&provenance::find_addresses);
    for_each_reachable(&provenance::find_value_escapes);
    for_each_reachable(&provenance::find_escapes);
    place_frames();
}

/// A caller's liveness needs its callees'. Compilers put callees behind their callers, so the last
/// function goes first. What is called from itself, or from behind, is read again with what was
/// found of it, from nothing on: so a function that hands an argument on to itself alone does not
/// read it. In programs that are made to need many rounds, all arguments are a safe answer.
void provenance::find_all_liveness() {
    constexpr unsigned most_rounds = 6;
    const auto count = static_cast<uint32_t>(functions_.size());
    std::vector<bool> is_called_from_behind(count);
    for (uint32_t f = 0; f < count; ++f) {
        if (not p_.functions()[f].reachable) continue;
        for (const uint32_t callee : p_.callees_of(p_.functions()[f])) {
            if (callee <= f) is_called_from_behind[callee] = true;
        }
    }
    bool is_final = false;
    for (unsigned round = 0; not is_final; ++round) {
        is_final = true;
        const bool is_last = round == most_rounds;
        if (is_last) {
            for (function_facts &f : functions_) f.arguments = argument_regs;
        }
        for (uint32_t f = count; f-- > 0;) {
            if (not p_.functions()[f].reachable) continue;
            const reg_set before = functions_[f].arguments;
            find_liveness(f);
            is_final &= functions_[f].arguments == before or not is_called_from_behind[f];
        }
        is_final |= is_last;
    }
}

reg_use provenance::use_of(uint32_t pc) const {
    const isa::instruction &i = p_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const isa::shape_info &form = isa::info(row.shape);
    reg_use use;
    const auto note = [&use](isa::register_role role, unsigned reg) {
        if (role == isa::register_role::read or role == isa::register_role::update)
            use.reads |= reg_bit(reg);
        if (role == isa::register_role::write or role == isa::register_role::update)
            use.writes |= reg_bit(reg);
    };
    note(form.dst, i.dst);
    note(form.src, i.src);
    switch (isa::info(row.operation).kind) {
    case operation_kind::call:
        use.writes |= call_clobbers;
        if (is_helper_call(i)) {
            use.reads |= arguments_of(linked_.helper(static_cast<uint32_t>(i.imm)));
        } else if (i.id == insn_id::call_local) {
            use.reads |= functions_[p_.function_at(p_.callee_pc(pc))].arguments;
        } else {
            use.reads |= argument_regs;
            if (is_callx(i)) use.reads |= reg_bit(callx_register(i));
        }
        break;
    case operation_kind::exit: use.reads |= reg_bit(0); break;
    case operation_kind::packet: use.writes |= call_clobbers; break;
    case operation_kind::atomic:
        if (row.operation == operation::atomic_cmpxchg) {
            use.reads |= reg_bit(0);
            use.writes |= reg_bit(0);
        }
        break;
    default: break;
    }
    return use;
}

void provenance::find_liveness(uint32_t function) {
    const vm::function &f = p_.functions()[function];
    // The whole effect of each block, so that rounds cost a step per block.
    std::vector<reg_use> effects(f.block_count);
    for (uint32_t b = 0; b < f.block_count; ++b) {
        const basic_block &block = p_.blocks()[f.first_block + b];
        for (uint32_t pc = block.begin; pc < block.end; ++pc) {
            if (p_.insn(pc).id == insn_id::none) continue;
            const reg_use use = use_of(pc);
            effects[b].reads |= use.reads & ~effects[b].writes;
            effects[b].writes |= use.writes;
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = f.block_count; b-- > 0;) {
            reg_set out = 0;
            for (const uint32_t next : p_.successors_of(p_.blocks()[f.first_block + b]))
                out |= blocks_[next].live;
            const reg_set live = effects[b].reads | (out & ~effects[b].writes);
            reg_set &known = blocks_[f.first_block + b].live;
            changed |= known != live;
            known = live;
        }
    }
    functions_[function].arguments = blocks_[f.first_block].live & argument_regs;
}

/// What a call gives.
origin provenance::result_of(uint32_t pc, const origins &before) const {
    const isa::instruction &i = p_.insn(pc);
    if (not is_helper_call(i)) return opaque;
    const compat::helper_binding *const helper = linked_.helper(static_cast<uint32_t>(i.imm));
    if (helper == nullptr or helper->declaration().result != result_kind::map_value_or_null)
        return opaque;
    const origin &map = before[1 + helper->map_argument()];
    if (map.kind != origin_kind::map) return opaque;
    return {.kind = origin_kind::value, .exact = true, .map = map.map};
}

bool provenance::is_own_lookup(uint32_t pc, const origins &before) const {
    constexpr uint32_t largest_key = 32;
    const isa::instruction &i = p_.insn(pc);
    const compat::helper_binding *const helper =
        is_helper_call(i) ? linked_.helper(static_cast<uint32_t>(i.imm)) : nullptr;
    if (helper == nullptr) return false;
    const helper_declaration &d = helper->declaration();
    if (d.result != result_kind::map_value_or_null or d.arguments[0].kind != argument_kind::map or
        d.arguments[1].kind != argument_kind::map_key or d.arity() != 2 or
        before[1].kind != origin_kind::map or not values_stay_known(before[1].map))
        return false;
    const ebpf_map_shape &shape = *linked_.maps()[before[1].map].shape;
    const bool is_known = shape.index_count != 0 or (probes_maps_ and shape.probe != nullptr);
    return is_known and shape.key_size <= largest_key and
           is_in_frame(before[2], std::max<uint64_t>(shape.key_size, sizeof(uint32_t)));
}

origins provenance::step(uint32_t pc, const origins &before) const {
    const isa::instruction &i = p_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    origins after = before;
    const auto clear_arguments = [&after] { std::fill_n(&after[1], 5, integer); };
    switch (isa::info(row.operation).kind) {
    case operation_kind::call:
        clear_arguments();
        after[0] = result_of(pc, before);
        return after;
    case operation_kind::packet:
        clear_arguments();
        after[0] = integer;
        return after;
    case operation_kind::load:
        after[i.dst] = row.width == isa::width::w64 ? opaque : integer;
        return after;
    case operation_kind::wide: {
        const auto map = linked_.map_at(pc);
        after[i.dst] = map ? origin{.kind = origin_kind::map, .map = *map} : opaque;
        return after;
    }
    case operation_kind::alu: break;
    default: {
        // Whatever else is written is an integer.
        const reg_set written = use_of(pc).writes;
        for (unsigned r = 0; r < isa::frame_pointer; ++r) {
            if (has(written, r)) after[r] = integer;
        }
        if (row.operation == operation::addr_space_cast or
            (row.operation == operation::load_acquire and row.width == isa::width::w64))
            after[i.dst] = opaque;
        return after;
    }
    }
    const origin dst = before[i.dst];
    if (i.id == insn_id::mov64_reg) {
        after[i.dst] = before[i.src];
    } else if (i.id == insn_id::add64_imm or i.id == insn_id::sub64_imm) {
        const int64_t by = i.id == insn_id::add64_imm ? int64_t{i.imm} : -int64_t{i.imm};
        if (dst.is_frame() or dst.kind == origin_kind::value)
            after[i.dst] = moved(dst, by, reach_);
        else
            after[i.dst] = {.kind = kind_of(dst)};
    } else if (i.id == insn_id::add64_reg) {
        const origin src = before[i.src];
        if (dst.is_frame() != src.is_frame())
            after[i.dst] = {.kind = origin_kind::frame};
        else if (dst.is_frame())
            after[i.dst] = integer;
        else
            after[i.dst] = united(dst, src);
    } else if (i.id == insn_id::sub64_reg) {
        const origin src = before[i.src];
        if (dst.is_frame() and not src.is_frame())
            after[i.dst] = {.kind = origin_kind::frame};
        else if (kind_of(dst) != origin_kind::pointer or kind_of(src) == origin_kind::pointer or
                 src.is_frame())
            after[i.dst] = integer;
        else
            after[i.dst] = pointer;
    } else {
        after[i.dst] = integer;
    }
    return after;
}

bool provenance::join(block_facts &to, const origins &from, function_facts &f) {
    bool changed = false;
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        if (not has(to.live, r)) continue;
        const origin merged = merge(to.at_entry[r], from[r]);
        // An address of the frame that meets another value has to become a number.
        f.frame_escapes |=
            not merged.is_frame() and (to.at_entry[r].is_frame() or from[r].is_frame());
        for (const origin &o : {to.at_entry[r], from[r]}) {
            if (o.kind == origin_kind::value and merged != o) value_escapes_[o.map] = true;
        }
        changed |= merged != to.at_entry[r];
        to.at_entry[r] = merged;
    }
    return changed;
}

void provenance::find_origins(uint32_t function) {
    const vm::function &f = p_.functions()[function];
    origins entry;
    entry.fill(integer);
    for (unsigned r = 1; r <= max_helper_arguments; ++r) entry[r] = opaque;
    if (function == 0) entry[1] = pointer;
    const origin top{.kind = origin_kind::frame, .exact = true, .offset = 0};
    std::vector<bool> reached(f.block_count);
    std::vector<bool> pending(f.block_count);
    for (uint32_t b = 0; b < f.block_count; ++b) {
        blocks_[f.first_block + b].at_entry[isa::frame_pointer] = top;
    }
    function_facts &facts = functions_[function];
    join(blocks_[f.first_block], entry, facts);
    reached[0] = pending[0] = true;
    for (bool again = true; again;) {
        again = false;
        for (uint32_t b = 0; b < f.block_count; ++b) {
            if (not pending[b]) continue;
            pending[b] = false;
            const basic_block &block = p_.blocks()[f.first_block + b];
            origins now = blocks_[f.first_block + b].at_entry;
            for (uint32_t pc = block.begin; pc < block.end; ++pc) {
                if (p_.insn(pc).id != insn_id::none) now = step(pc, now);
            }
            for (const uint32_t next : p_.successors_of(block)) {
                const uint32_t to = next - f.first_block;
                if (not join(blocks_[next], now, facts) and reached[to]) continue;
                reached[to] = pending[to] = true;
                again |= to <= b;
            }
        }
    }
}

void provenance::find_addresses(uint32_t function) {
    const vm::function &f = p_.functions()[function];
    const auto walk = [&](uint32_t b, bool record) {
        const basic_block &block = p_.blocks()[b];
        reg_set wanted = 0;
        for (const uint32_t next : p_.successors_of(block)) wanted |= blocks_[next].addresses;
        for (uint32_t pc = block.end; pc-- > block.begin;) {
            const isa::instruction &i = p_.insn(pc);
            if (i.id == insn_id::none) continue;
            const reg_set written = use_of(pc).writes;
            const bool result_wanted = (written & wanted) != 0;
            if (record) is_address_[pc] = result_wanted;
            const bool through = has(wanted, i.dst) and (is_wide_add(i.id) or is_wide_sub(i.id) or
                                                         i.id == insn_id::mov64_reg);
            wanted &= ~written;
            if (through) {
                const bool source = i.id == insn_id::mov64_reg or
                                    (i.id == insn_id::add64_reg and base_is_source_[pc]);
                wanted |= reg_bit(source ? i.src : i.dst);
            }
            if (is_memory_access(i)) wanted |= reg_bit(base_register(i));
        }
        return wanted & blocks_[b].live;
    };
    for (uint32_t b = f.first_block; b < f.first_block + f.block_count; ++b) {
        const basic_block &block = p_.blocks()[b];
        origins now = blocks_[b].at_entry;
        for (uint32_t pc = block.begin; pc < block.end; ++pc) {
            const isa::instruction &i = p_.insn(pc);
            if (i.id == insn_id::none) continue;
            if (i.id == insn_id::add64_reg)
                base_is_source_[pc] = kind_of(now[i.src]) > kind_of(now[i.dst]);
            now = step(pc, now);
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = f.first_block + f.block_count; b-- > f.first_block;) {
            const reg_set wanted = walk(b, false);
            changed |= wanted != blocks_[b].addresses;
            blocks_[b].addresses = wanted;
        }
    }
    for (uint32_t b = f.first_block; b < f.first_block + f.block_count; ++b) walk(b, true);
    functions_[function].addresses = blocks_[f.first_block].addresses & argument_regs;
}

void provenance::note_uses(uint32_t pc, const origins &before, function_facts &f) const {
    const isa::instruction &i = p_.insn(pc);
    reg_set reads = use_of(pc).reads;
    if (is_memory_access(i)) {
        const uint8_t base = base_register(i);
        const origin &at = before[base];
        if (at.is_frame()) {
            const int64_t begin = int64_t{at.offset} + i.offset;
            const int64_t size = isa::bytes_of(isa::info(i.id).width);
            f.leaves_frame |= not at.exact or begin < -frame_size_ or begin + size > 0;
        }
        const bool is_value = isa::info(isa::info(i.id).shape).dst != isa::register_role::write and
                              (has_source(i) and i.src == base);
        const bool is_compared =
            isa::info(i.id).operation == operation::atomic_cmpxchg and base == 0;
        if (not is_value and not is_compared) reads &= ~reg_bit(base);
    } else if (i.id == insn_id::mov64_reg or i.id == insn_id::add64_imm or
               i.id == insn_id::sub64_imm or is_own_lookup(pc, before)) {
        reads = 0;
    } else if (i.id == insn_id::add64_reg) {
        if (before[i.src].is_frame() != before[i.dst].is_frame()) reads = 0;
    } else if (i.id == insn_id::sub64_reg) {
        if (before[i.dst].is_frame() and not before[i.src].is_frame()) reads = 0;
    }
    for (unsigned r = 0; r < isa::register_count; ++r) {
        f.frame_escapes |= has(reads, r) and before[r].is_frame();
    }
}

bool provenance::is_in_value(uint32_t pc, const origin &base) const {
    if (base.kind != origin_kind::value) return false;
    const isa::instruction &i = p_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const ebpf_map_shape &shape = *linked_.maps()[base.map].shape;
    const int64_t begin = int64_t{base.offset} + i.offset;
    return begin >= 0 and begin + isa::bytes_of(row.width) <= shape.result_size and
           allows(static_cast<permission>(shape.permission), permission_of(row.operation));
}

/// Finds what makes an address of a value a number, or uses it for something that the memory map
/// has to be asked about.
void provenance::note_value_uses(uint32_t pc, const origins &before) {
    const isa::instruction &i = p_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    reg_set reads = use_of(pc).reads;
    if (is_memory_access(i)) {
        const uint8_t base = base_register(i);
        const bool is_value = (isa::info(row.shape).dst != isa::register_role::write and
                               has_source(i) and i.src == base) or
                              (row.operation == operation::atomic_cmpxchg and base == 0);
        if (is_in_value(pc, before[base]) and not is_value) reads &= ~reg_bit(base);
    } else if (i.id == insn_id::mov64_reg) {
        reads = 0;
    } else if (i.id == insn_id::add64_imm or i.id == insn_id::sub64_imm) {
        if (step(pc, before)[i.dst].kind == origin_kind::value) reads = 0;
    } else if ((i.id == insn_id::jeq64_imm or i.id == insn_id::jne64_imm) and i.imm == 0) {
        reads = 0;
    }
    for (unsigned r = 0; r < isa::register_count; ++r) {
        if (has(reads, r) and before[r].kind == origin_kind::value)
            value_escapes_[before[r].map] = true;
    }
}

bool provenance::calls_back(uint32_t pc) const {
    const isa::instruction &i = p_.insn(pc);
    return is_helper_call(i) and
           linked_.helper(static_cast<uint32_t>(i.imm))->declaration().calls_back();
}

void provenance::find_value_escapes(uint32_t function) {
    const vm::function &f = p_.functions()[function];
    for (uint32_t b = f.first_block; b < f.first_block + f.block_count; ++b) {
        const basic_block &block = p_.blocks()[b];
        origins now = blocks_[b].at_entry;
        for (uint32_t pc = block.begin; pc < block.end and block.reachable; ++pc) {
            if (p_.insn(pc).id == insn_id::none) continue;
            note_value_uses(pc, now);
            now = step(pc, now);
        }
    }
}

void provenance::find_escapes(uint32_t function) {
    const vm::function &f = p_.functions()[function];
    function_facts &facts = functions_[function];
    for (uint32_t b = f.first_block; b < f.first_block + f.block_count; ++b) {
        const basic_block &block = p_.blocks()[b];
        if (not block.reachable) continue;
        origins now = blocks_[b].at_entry;
        for (uint32_t pc = block.begin; pc < block.end; ++pc) {
            if (p_.insn(pc).id == insn_id::none) continue;
            note_uses(pc, now, facts);
            facts.calls_back |= calls_back(pc);
            facts.calls_values |= facts.calls_back or is_callx(p_.insn(pc));
            now = step(pc, now);
        }
    }
}

void provenance::place_frames() {
    // Whoever (indirectly) calls a function that leaves its frame may have its own frame reached,
    // and callx may call anything. An address that has become a number can come back anywhere.
    std::vector<std::vector<uint32_t>> callers(functions_.size());
    std::vector<uint32_t> work;
    bool escapes = false;
    for (uint32_t f = 0; f < functions_.size(); ++f) {
        for (const uint32_t callee : p_.callees_of(p_.functions()[f])) callers[callee].push_back(f);
        escapes |= functions_[f].frame_escapes;
        if (functions_[f].leaves_frame) work.push_back(f);
    }
    constexpr int64_t largest_native_frame = 4096;
    std::vector<bool> reached(functions_.size());
    const auto reach = [&](uint32_t f) {
        functions_[f].frame_in_memory = true;
        if (not reached[f]) work.push_back(f);
        reached[f] = true;
    };
    for (uint32_t f = 0; f < functions_.size(); ++f) {
        functions_[f].frame_in_memory = escapes or frame_size_ > largest_native_frame;
        if (not work.empty() and functions_[f].calls_values) reach(f);
    }
    while (not work.empty()) {
        const uint32_t f = work.back();
        work.pop_back();
        for (const uint32_t caller : callers[f]) reach(caller);
    }
}

}  // namespace bpftime::vm::llvm_jit
