// bpftime-vm: eBPF to AArch64, in one pass: loads, stores and atomics
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generator.hpp"

#include <bit>
#include <utility>

namespace bpftime::vm::ubpf::inline aarch64 {

namespace {

using isa::operation;
using isa::width;

uint32_t bytes_of(const isa::instruction &i) noexcept {
    return isa::bytes_of(isa::info(i.id).width);
}
unsigned log_of(uint32_t size) noexcept { return static_cast<unsigned>(std::countr_zero(size)); }

bool is_load(const isa::instruction &i) noexcept {
    return isa::kind_of(i.id) == isa::operation_kind::load or
           isa::info(i.id).operation == operation::load_acquire;
}

/// Whether it gives the value that was there.
bool does_fetch(operation op) noexcept {
    switch (op) {
    case operation::atomic_add:
    case operation::atomic_or:
    case operation::atomic_and:
    case operation::atomic_xor: return false;
    default: return true;
    }
}

}  // namespace

/// Where the access at `pc` goes, after what makes sure that it may.
generator::place generator::access(uint32_t pc, unsigned base, permission wanted, bool atomic) {
    const isa::instruction &i = insn(pc);
    const auto size = static_cast<int32_t>(bytes_of(i));
    const known_value &k = known_[base];
    if (not checks_) return {gp64(base), i.offset};
    if (has(in_frame_, base) and k.offset + i.offset >= -frame_size_ and
        k.offset + i.offset <= -size) {
        const int32_t offset = k.offset + i.offset;
        if (atomic and offset % size != 0) check_alignment(pc, base, wanted);
        return {frame_reg, offset};
    }
    const bool has_arena = input_->linked.arena() != nullptr;
    if (has_arena) {
        // The memory map says where it goes: pages come and go, and some addresses mean others.
        const auto bytes = static_cast<uint32_t>(size);
        address_in_input(base, i.offset);
        e_.move(site_reg, access_site{pc, bytes, wanted}.pack());
        call(check_stub(bytes, wanted));
        if (bars_speculation_) bar_speculation();
    } else if (const auto needed = check_before(pc, base, wanted)) {
        check(*needed);
        if (bars_speculation_) bar_speculation();
    }
    if (atomic and size > 1 and not proofs_->is_aligned(pc)) check_alignment(pc, base, wanted);
    return has_arena ? place{temp_reg, 0} : place{gp64(base), i.offset};
}

void generator::bar_speculation() {
    e_.op(Inst::kIdDsb, asmjit::imm(a64::Predicate::DB::kNSH));
    e_.op(Inst::kIdIsb, asmjit::imm(a64::Predicate::ISB::kSY));
}

/// temp_reg = the address - where the input memory begins.
void generator::address_in_input(unsigned base, int32_t offset) {
    if (offset == 0) return e_.op(Inst::kIdAdd, temp_reg, gp64(base), minus_input_reg);
    e_.add(temp_reg, gp64(base), offset);
    e_.op(Inst::kIdAdd, temp_reg, temp_reg, minus_input_reg);
}

/// The stub says whether the access is allowed, which begins at temp_reg - minus_input_reg.
void generator::ask_about(const access_check &c) {
    e_.move(site_reg, c.site());
    if (c.is_group()) e_.move(other_temp_reg, c.size());
    call(c.callee());
}

/// In one comparison if it is the input memory, else out of line.
void generator::check(const access_check &c) {
    const bool in_frame = has(in_frame_, c.base);
    if (has(near_frame_, c.base) and not in_frame and analysis_.keeps_frames() and
        c.size() <= static_cast<uint32_t>(frame_size_)) {
        check_in_frame(c);
    } else {
        address_in_input(c.base, c.bytes.begin);
        if (in_frame) return ask_about(c);
        if (may_touch_input(c.bytes.allowed)) {
            compare_with_starts(c);
            add_slow_path(slow_path::what::check, branch_insn::if_(condition::not_below), c.pc, c);
        } else {
            ask_about(c);
        }
    }
    know_checked(c);
}

/// Compares temp_reg with in how many places of the input memory the access may begin.
void generator::compare_with_starts(const access_check &c) {
    if (c.starts < offsetof(jit_state, group_starts)) {
        e_.op(Inst::kIdCmp, temp_reg, input_starts_regs[log_of(c.size())]);
    } else {
        e_.op(Inst::kIdLdr, other_temp_reg, state_word(c.starts));
        e_.op(Inst::kIdCmp, temp_reg, other_temp_reg);
    }
}

/// The same for what is probably in the own frame.
void generator::check_in_frame(const access_check &c) {
    e_.op(Inst::kIdSub, temp_reg, gp64(c.base), frame_reg);
    e_.add(temp_reg, temp_reg, c.bytes.begin + frame_size_);
    compare_with(temp_reg, static_cast<uint32_t>(frame_size_) - c.size());
    add_slow_path(slow_path::what::frame_check, branch_insn::if_(condition::above), c.pc, c);
}

/// It is not in the frame: it may be in the input memory, or elsewhere.
void generator::finish_frame_check(const slow_path &s) {
    address_in_input(s.check.base, s.check.bytes.begin);
    if (may_touch_input(s.check.bytes.allowed)) {
        compare_with_starts(s.check);
        go_to(branch_insn::if_(condition::below), s.back);
    }
    ask_about(s.check);
    go_to(branch_insn::always(), s.back);
}

void generator::check_alignment(uint32_t pc, unsigned base, permission wanted) {
    const isa::instruction &i = insn(pc);
    const uint32_t size = bytes_of(i);
    a64::Gp at = gp64(base);
    if (i.offset != 0) {
        at = third_temp_reg;
        e_.add(at, gp64(base), i.offset);
    }
    add_slow_path(slow_path::what::misaligned, test_bits(at, size - 1),
                  access_site{pc, size, wanted}.pack());
}

void generator::finish_misaligned(const slow_path &s) {
    const isa::instruction &i = insn(access_site::unpack(s.site).pc);
    e_.add(temp_reg, gp64(is_load(i) ? i.src : i.dst), i.offset);
    e_.move(site_reg, s.site);
    jump_to(stub::misaligned);
}

/// The same as an operand of an access of `size` bytes.
a64::Mem generator::operand(const place &at, uint32_t size) {
    const auto bytes = static_cast<int32_t>(size);
    const bool is_scaled =
        at.offset >= 0 and at.offset % bytes == 0 and at.offset / bytes < 1 << 12;
    if (is_scaled or (at.offset >= -256 and at.offset < 256)) return a64::ptr(at.base, at.offset);
    e_.move(site_reg, static_cast<uint64_t>(int64_t{at.offset}));
    return a64::ptr(at.base, site_reg);
}

/// The same in a register.
a64::Gp generator::address(const place &at) {
    if (at.offset == 0) return at.base;
    e_.add(temp_reg, at.base, at.offset);
    return temp_reg;
}

void generator::load(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const a64::Mem from = operand(access(pc, i.src, permission::read, false), bytes_of(i));
    const bool is_signed = row.operation == operation::load_sx;
    switch (row.width) {
    case width::w8:
        if (is_signed)
            e_.op(Inst::kIdLdrsb, gp64(i.dst), from);
        else
            e_.op(Inst::kIdLdrb, gp32(i.dst), from);
        break;
    case width::w16:
        if (is_signed)
            e_.op(Inst::kIdLdrsh, gp64(i.dst), from);
        else
            e_.op(Inst::kIdLdrh, gp32(i.dst), from);
        break;
    case width::w32:
        if (is_signed)
            e_.op(Inst::kIdLdrsw, gp64(i.dst), from);
        else
            e_.op(Inst::kIdLdr, gp32(i.dst), from);
        break;
    default: e_.op(Inst::kIdLdr, gp64(i.dst), from); break;
    }
    forget(i.dst);
}

void generator::store(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const bool wide = row.width == width::w64;
    const uint32_t size = bytes_of(i);
    const a64::Mem to = operand(access(pc, i.dst, permission::write, false), size);
    a64::Gp value = gp(wide, i.src);
    if (isa::info(row.shape).src == isa::register_role::none) {
        const uint64_t stored =
            static_cast<uint64_t>(int64_t{i.imm}) & ~uint64_t{0} >> (64 - 8 * size);
        value = sized(wide, stored == 0 ? a64::xzr : other_temp_reg);
        if (stored != 0) e_.move(other_temp_reg, stored);
    }
    switch (row.width) {
    case width::w8: return e_.op(Inst::kIdStrb, value, to);
    case width::w16: return e_.op(Inst::kIdStrh, value, to);
    default: return e_.op(Inst::kIdStr, value, to);
    }
}

// --- atomics
//
// What fetches has acquire and release order at once; that makes it sequentially consistent.

void generator::atomic(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const bool wide = row.width == width::w64;
    const operation op = row.operation;
    if (op == operation::load_acquire) return load_acquire(pc);
    if (op == operation::store_release) return store_release(pc);
    const a64::Gp at = address(access(pc, i.dst, permission::read_write, true));
    if (op == operation::atomic_cmpxchg) {
        compare_exchange(at, gp(wide, 0), gp(wide, i.src));
        return forget(0);
    }
    if (machine_.lse)
        modify_at_once(op, at, gp(wide, i.src));
    else
        modify_in_loop(op, at, gp(wide, i.src));
    if (does_fetch(op)) forget(i.src);
}

void generator::load_acquire(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const a64::Mem from = a64::ptr(address(access(pc, i.src, permission::read, true)));
    switch (isa::info(i.id).width) {
    case width::w8: e_.op(Inst::kIdLdarb, gp32(i.dst), from); break;
    case width::w16: e_.op(Inst::kIdLdarh, gp32(i.dst), from); break;
    case width::w32: e_.op(Inst::kIdLdar, gp32(i.dst), from); break;
    default: e_.op(Inst::kIdLdar, gp64(i.dst), from); break;
    }
    forget(i.dst);
}

void generator::store_release(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const a64::Gp to = address(access(pc, i.dst, permission::write, true));
    e_.store_release(gp64(i.src), to, log_of(bytes_of(i)));
}

void generator::modify_at_once(operation op, const a64::Gp &at, const a64::Gp &src) {
    const a64::Mem word = a64::ptr(at);
    // There is no and, but one with the complement.
    const a64::Gp cleared = sized(src.isGpX(), site_reg);
    if (op == operation::atomic_and or op == operation::atomic_fetch_and)
        e_.op(Inst::kIdMvn, cleared, src);
    switch (op) {
    case operation::atomic_add: return e_.op(Inst::kIdStadd, src, word);
    case operation::atomic_or: return e_.op(Inst::kIdStset, src, word);
    case operation::atomic_and: return e_.op(Inst::kIdStclr, cleared, word);
    case operation::atomic_xor: return e_.op(Inst::kIdSteor, src, word);
    case operation::atomic_fetch_add: return e_.op(Inst::kIdLdaddal, src, src, word);
    case operation::atomic_fetch_or: return e_.op(Inst::kIdLdsetal, src, src, word);
    case operation::atomic_fetch_and: return e_.op(Inst::kIdLdclral, cleared, src, word);
    case operation::atomic_fetch_xor: return e_.op(Inst::kIdLdeoral, src, src, word);
    case operation::atomic_xchg: return e_.op(Inst::kIdSwpal, src, src, word);
    default: std::unreachable();
    }
}

void generator::modify_in_loop(operation op, const a64::Gp &at, const a64::Gp &src) {
    const bool wide = src.isGpX();
    const bool fetches = does_fetch(op);
    const a64::Mem word = a64::ptr(at);
    const a64::Gp old = sized(wide, site_reg);
    // AsmJit wants to be told that it is as wide as the value, but for stxr.
    const a64::Gp status = sized(wide and fetches, third_temp_reg);
    a64::Gp changed = sized(wide, other_temp_reg);
    const uint32_t again = e_.offset();
    e_.op(fetches ? Inst::kIdLdaxr : Inst::kIdLdxr, old, word);
    switch (op) {
    case operation::atomic_add:
    case operation::atomic_fetch_add: e_.op(Inst::kIdAdd, changed, old, src); break;
    case operation::atomic_or:
    case operation::atomic_fetch_or: e_.op(Inst::kIdOrr, changed, old, src); break;
    case operation::atomic_and:
    case operation::atomic_fetch_and: e_.op(Inst::kIdAnd, changed, old, src); break;
    case operation::atomic_xor:
    case operation::atomic_fetch_xor: e_.op(Inst::kIdEor, changed, old, src); break;
    default: changed = src; break;  // atomic_xchg
    }
    e_.op(fetches ? Inst::kIdStlxr : Inst::kIdStxr, status, changed, word);
    e_.jump_back(branch_insn::if_zero(status.w()).opposite(), again);
    if (fetches) e_.op(Inst::kIdMov, src, old);
}

void generator::compare_exchange(const a64::Gp &at, const a64::Gp &expected, const a64::Gp &src) {
    const a64::Mem word = a64::ptr(at);
    if (machine_.lse) return e_.op(Inst::kIdCasal, expected, src, word);
    const bool wide = src.isGpX();
    const a64::Gp old = sized(wide, site_reg);
    const a64::Gp status = sized(wide, third_temp_reg);
    const uint32_t again = e_.offset();
    e_.op(Inst::kIdLdaxr, old, word);
    e_.op(Inst::kIdCmp, old, expected);
    const uint32_t differs = e_.jump(branch_insn::if_(condition::not_equal));
    e_.op(Inst::kIdStlxr, status, src, word);
    e_.jump_back(branch_insn::if_zero(status.w()).opposite(), again);
    e_.close(differs);
    e_.op(Inst::kIdMov, expected, old);
}

}  // namespace bpftime::vm::ubpf::inline aarch64
