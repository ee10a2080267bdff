// bpftime-vm: eBPF to x86-64, in one pass: loads, stores and atomics
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generator.hpp"

#include <bit>
#include <utility>

namespace bpftime::vm::ubpf {

namespace {

using isa::insn_id;
using isa::operation;
using isa::width;

uint32_t bytes_of(const isa::instruction &i) noexcept {
    return isa::bytes_of(isa::info(i.id).width);
}

x86::Gp gp(width w, unsigned reg) noexcept {
    const uint8_t id = machine_registers[reg];
    switch (w) {
    case width::w8: return x86::gpb_lo(id);
    case width::w16: return x86::gpw(id);
    case width::w32: return x86::gpd(id);
    default: return x86::gpq(id);
    }
}

}  // namespace

/// Where the access at `pc` goes, after what makes sure that it may.
x86::Mem generator::access(uint32_t pc, unsigned base, permission wanted, bool atomic) {
    const isa::instruction &i = insn(pc);
    const auto size = static_cast<int32_t>(bytes_of(i));
    const known_value &k = known_[base];
    const auto at = x86::Mem{gp64(base), i.offset, static_cast<uint32_t>(size)};
    if (not checks_) return at;
    if (has(in_frame_, base) and k.offset + i.offset >= -frame_size_ and
        k.offset + i.offset <= -size) {
        const int32_t offset = k.offset + i.offset;
        if (atomic and offset % size != 0) check_alignment(pc, base, wanted);
        return x86::Mem{frame_reg, offset, static_cast<uint32_t>(size)};
    }
    if (input_->linked.arena() != nullptr) return access_with_arena(pc, base, wanted, atomic);
    if (const auto needed = check_before(pc, base, wanted)) {
        check(*needed);
        if (bars_speculation_) e_.op(Inst::kIdLfence);
    }
    if (atomic and size > 1 and not proofs_->is_aligned(pc)) check_alignment(pc, base, wanted);
    return at;
}

/// The memory map says where it goes: pages come and go, and some addresses mean others.
x86::Mem generator::access_with_arena(uint32_t pc, unsigned base, permission wanted, bool atomic) {
    const isa::instruction &i = insn(pc);
    const uint32_t size = bytes_of(i);
    e_.op(Inst::kIdLea, temp_reg, x86::ptr(gp64(base), minus_input_reg, 0, i.offset));
    e_.push_imm(access_site{pc, size, wanted}.pack());
    call(check_stub(size, wanted));
    if (bars_speculation_) e_.op(Inst::kIdLfence);
    if (atomic and size > 1) {
        e_.op(Inst::kIdMov, minus_input_reg, temp_reg);
        check_alignment(pc, base, wanted);
        e_.op(Inst::kIdMov, temp_reg, minus_input_reg);
        e_.op(Inst::kIdMov, minus_input_reg, state_word(offsetof(jit_state, minus_input)));
    }
    return x86::Mem{temp_reg, 0, size};
}

/// In one comparison if it is the input memory, else out of line.
void generator::check(const access_check &c) {
    const bool in_frame = has(in_frame_, c.base);
    if (has(near_frame_, c.base) and not in_frame and analysis_.keeps_frames() and
        c.size() <= static_cast<uint32_t>(frame_size_))
        return check_in_frame(c);
    e_.op(Inst::kIdLea, temp_reg, x86::ptr(gp64(c.base), minus_input_reg, 0, c.bytes.begin));
    if (in_frame) return ask_about(c);
    if (may_touch_input(c.bytes.allowed)) {
        e_.op(Inst::kIdCmp, temp_reg, state_word(c.starts));
        add_slow_path(slow_path::what::check, condition::not_below, c.pc, c);
    } else {
        ask_about(c);
    }
    know_checked(c);
}

/// The same for what is probably in the own frame.
void generator::check_in_frame(const access_check &c) {
    e_.op(Inst::kIdLea, temp_reg, x86::ptr(gp64(c.base), c.bytes.begin + frame_size_));
    e_.op(Inst::kIdSub, temp_reg, frame_reg);
    e_.op(Inst::kIdCmp, temp_reg, asmjit::imm(frame_size_ - static_cast<int32_t>(c.size())));
    add_slow_path(slow_path::what::frame_check, condition::above, c.pc, c);
    know_checked(c);
}

/// It is not in the frame: it may be in the input memory, or elsewhere.
void generator::finish_frame_check(const slow_path &s) {
    const access_check &c = s.check;
    e_.op(Inst::kIdLea, temp_reg, x86::ptr(gp64(c.base), minus_input_reg, 0, c.bytes.begin));
    if (may_touch_input(c.bytes.allowed)) {
        e_.op(Inst::kIdCmp, temp_reg, state_word(c.starts));
        e_.jump_back_if(condition::below, s.back);
    }
    ask_about(c);
    e_.jump_back(s.back);
}

/// The stub says whether the access is allowed, which begins at temp_reg - minus_input_reg.
void generator::ask_about(const access_check &c) {
    if (c.is_group()) e_.mov_imm32(minus_input_reg, c.size());
    e_.push_imm(c.site());
    call(c.callee());
}

void generator::check_alignment(uint32_t pc, unsigned base, permission wanted) {
    const isa::instruction &i = insn(pc);
    const uint32_t size = bytes_of(i);
    e_.op(Inst::kIdLea, temp_reg, x86::ptr(gp64(base), i.offset));
    e_.op(Inst::kIdTest, temp_reg.r8(), asmjit::imm(size - 1));
    add_slow_path(slow_path::what::misaligned, condition::not_equal,
                  access_site{pc, size, wanted}.pack());
}

void generator::load(uint32_t pc) {
    load_from(pc, access(pc, insn(pc).src, permission::read, false));
}

/// An addition to `base` at `pc`, and a load from the sum, which is in its place: without checks,
/// nothing else needs the sum. False if it is not that.
bool generator::load_from_sum(uint32_t pc, unsigned base) {
    const isa::instruction &sum = insn(pc);
    const isa::instruction &i = insn(pc + 1);
    if (checks_ or hides(sum) or isa::kind_of(i.id) != isa::operation_kind::load or
        i.src != sum.dst or i.dst != sum.dst)
        return false;
    const uint32_t size = bytes_of(i);
    if (sum.id == insn_id::add64_reg) {
        const unsigned other = sum.src == sum.dst ? base : sum.src;
        load_from(pc + 1, x86::ptr(gp64(base), gp64(other), 0, i.offset, size));
        return true;
    }
    const int64_t offset = int64_t{sum.imm} + i.offset;
    if (sum.id != insn_id::add64_imm or offset != static_cast<int32_t>(offset)) return false;
    load_from(pc + 1, x86::ptr(gp64(base), static_cast<int32_t>(offset), size));
    return true;
}

void generator::load_from(uint32_t pc, const x86::Mem &from) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const bool is_signed = row.operation == operation::load_sx;
    switch (row.width) {
    case width::w8:
    case width::w16:
        if (is_signed)
            e_.op(Inst::kIdMovsx, gp64(i.dst), from);
        else
            e_.op(Inst::kIdMovzx, gp32(i.dst), from);
        break;
    case width::w32:
        if (is_signed)
            e_.op(Inst::kIdMovsxd, gp64(i.dst), from);
        else
            e_.op(Inst::kIdMov, gp32(i.dst), from);
        break;
    default: e_.op(Inst::kIdMov, gp64(i.dst), from); break;
    }
    forget(i.dst);
}

void generator::store(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const x86::Mem to = access(pc, i.dst, permission::write, false);
    if (hides(i) and row.width != width::w8)
        store_hidden(to, row.width, i.imm);
    else if (isa::info(row.shape).src == isa::register_role::none)
        e_.op(Inst::kIdMov, to, asmjit::imm(i.imm));
    else
        e_.op(Inst::kIdMov, to, gp(row.width, i.src));
}

/// The address may be in the register that is free otherwise.
void generator::store_hidden(const x86::Mem &to, width w, int32_t value) {
    const x86::Gp r = minus_input_reg;
    set_hidden(w == width::w64 ? r : x86::Gp{r.r32()}, value);
    e_.op(Inst::kIdMov, to,
          w == width::w64   ? r
          : w == width::w32 ? x86::Gp{r.r32()}
                            : x86::Gp{r.r16()});
    if (checks_) e_.op(Inst::kIdMov, r, state_word(offsetof(jit_state, minus_input)));
}

// --- atomics
//
// Locked instructions are full barriers; plain loads and stores have acquire and release order.

void generator::atomic(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const auto modify = [&](Inst::Id id) {
        const x86::Mem at = access(pc, i.dst, permission::read_write, true);
        e_.op_locked(id, at, gp(row.width, i.src));
    };
    switch (row.operation) {
    case operation::atomic_add: return modify(Inst::kIdAdd);
    case operation::atomic_or: return modify(Inst::kIdOr);
    case operation::atomic_and: return modify(Inst::kIdAnd);
    case operation::atomic_xor: return modify(Inst::kIdXor);
    case operation::atomic_fetch_add: modify(Inst::kIdXadd); return forget(i.src);
    case operation::atomic_fetch_or: return atomic_fetch(pc, Inst::kIdOr);
    case operation::atomic_fetch_and: return atomic_fetch(pc, Inst::kIdAnd);
    case operation::atomic_fetch_xor: return atomic_fetch(pc, Inst::kIdXor);
    case operation::atomic_xchg: return exchange(pc);
    case operation::atomic_cmpxchg: return compare_exchange(pc);
    case operation::load_acquire: {
        const x86::Mem from = access(pc, i.src, permission::read, true);
        if (row.width == width::w8 or row.width == width::w16)
            e_.op(Inst::kIdMovzx, gp32(i.dst), from);
        else
            e_.op(Inst::kIdMov, gp(row.width, i.dst), from);
        return forget(i.dst);
    }
    case operation::store_release: {
        const x86::Mem to = access(pc, i.dst, permission::write, true);
        e_.op(Inst::kIdMov, to, gp(row.width, i.src));
        return;
    }
    default: std::unreachable();
    }
}

/// A loop over compare and exchange, which wants the old value in rax: r0 is kept below the stack.
void generator::atomic_fetch(uint32_t pc, Inst::Id id) {
    const isa::instruction &i = insn(pc);
    const width w = isa::info(i.id).width;
    const x86::Mem place = access(pc, i.dst, permission::read_write, true);
    const x86::Mem at = x86::Mem{x86::r11, 0, isa::bytes_of(w)};
    const x86::Mem r0 = x86::Mem{x86::rsp, -8, isa::bytes_of(w)};
    const x86::Mem whole_r0 = x86::qword_ptr(x86::rsp, -8);
    const x86::Gp old = gp(w, 0);
    const x86::Gp changed = w == width::w64 ? temp_reg : temp_reg.r32();
    e_.op(Inst::kIdLea, x86::r11, place);
    e_.op(Inst::kIdMov, whole_r0, x86::rax);
    e_.op(Inst::kIdMov, old, at);
    const uint32_t again = e_.offset();
    e_.op(Inst::kIdMov, changed, old);
    if (i.src == 0)
        e_.op(id, changed, r0);
    else
        e_.op(id, changed, gp(w, i.src));
    e_.op_locked(Inst::kIdCmpxchg, at, changed, old);
    e_.jump_back_if(condition::not_equal, again);
    if (i.src != 0) {
        e_.op(Inst::kIdMov, gp(w, i.src), old);
        e_.op(Inst::kIdMov, x86::rax, whole_r0);
    }
    if (checks_) e_.op(Inst::kIdMov, minus_input_reg, state_word(offsetof(jit_state, minus_input)));
    forget(i.src);
}

void generator::exchange(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const x86::Mem at = access(pc, i.dst, permission::read_write, true);
    e_.op(Inst::kIdXchg, at, gp(isa::info(i.id).width, i.src));
    forget(i.src);
}

void generator::compare_exchange(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const width w = isa::info(i.id).width;
    const x86::Mem at = access(pc, i.dst, permission::read_write, true);
    e_.op_locked(Inst::kIdCmpxchg, at, gp(w, i.src), gp(w, 0));
    // What was equal has not been written, so its upper half is still there.
    if (w == width::w32) e_.op(Inst::kIdMov, gp32(0), gp32(0));
    forget(0);
}

}  // namespace bpftime::vm::ubpf
