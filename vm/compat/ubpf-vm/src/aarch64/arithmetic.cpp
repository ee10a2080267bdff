// bpftime-vm: eBPF to AArch64, in one pass: arithmetic
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "division.hpp"
#include "generator.hpp"

#include <bit>

namespace bpftime::vm::ubpf::inline aarch64 {

namespace {

using isa::insn_id;
using isa::operation;
using isa::width;

/// The immediate value as an operand of this width.
uint64_t extended(bool wide, int32_t imm) noexcept {
    return wide ? static_cast<uint64_t>(int64_t{imm}) : static_cast<uint32_t>(imm);
}

/// Whether the machine does the operation of a register with a copy of another as quickly as with
/// the register itself.
bool is_done_on_copies(const isa::instruction &i) noexcept {
    if (i.id == insn_id::none) return false;
    switch (isa::info(i.id).operation) {
    case operation::add:
    case operation::sub:
    case operation::mul:
    case operation::or_:
    case operation::and_:
    case operation::xor_:
    case operation::lsh:
    case operation::rsh:
    case operation::arsh: return true;
    default: return false;
    }
}

}  // namespace

void generator::alu(uint32_t pc, Inst::Id id) {
    const isa::instruction &i = insn(pc);
    const bool wide = is_64(i.id);
    if (has_imm(i.id))
        alu_imm(id, gp(wide, i.dst), source(wide, i.dst), i.imm);
    else
        e_.op(id, gp(wide, i.dst), source(wide, i.dst), source(wide, i.src));
    know_result(i);
}

void generator::alu_imm(Inst::Id id, const a64::Gp &dst, const a64::Gp &from, int32_t imm) {
    const bool wide = dst.isGpX();
    if (id == Inst::kIdAdd or id == Inst::kIdSub)
        return e_.add(dst, from, id == Inst::kIdAdd ? int64_t{imm} : -int64_t{imm});
    const uint64_t value = extended(wide, imm);
    if (a64::Utils::isLogicalImm(value, dst.size() * 8)) {
        e_.op(id, dst, from, asmjit::Imm{value});
    } else if (id == Inst::kIdEor and imm == -1) {
        e_.op(Inst::kIdMvn, dst, from);
    } else {
        e_.move(temp_reg, value);
        e_.op(id, dst, from, sized(wide, temp_reg));
    }
}

void generator::move(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const bool wide = is_64(i.id);
    if (has_imm(i.id)) {
        set_constant(i.dst, extended(wide, i.imm));
        return forget(i.dst);
    }
    if (not wide or i.dst != i.src) e_.op(Inst::kIdMov, gp(wide, i.dst), gp(wide, i.src));
    know_copy(i);
}

/// A copy of a register and what is done with the copy next. How many instructions that were.
uint32_t generator::generate_together(uint32_t pc, uint32_t end) {
    const isa::instruction &copy = insn(pc);
    if (pc + 1 == end or copy.dst == copy.src) return 0;
    if (copy.id != insn_id::mov64_reg and copy.id != insn_id::mov32_reg) return 0;
    const isa::instruction &i = insn(pc + 1);
    if (i.dst != copy.dst or not is_done_on_copies(i)) return 0;
    if (is_64(i.id) and not is_64(copy.id)) return 0;
    know_copy(copy);
    copied_ = copy;
    generate_instruction(pc + 1);
    copied_ = no_copy;
    return 2;
}

/// See compat::cast_into_arena().
void generator::cast_into_arena(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    e_.op(Inst::kIdMov, temp_reg.w(), gp32(i.src));
    e_.move(other_temp_reg, input_->linked.arena()->window);
    e_.op(Inst::kIdOrr, other_temp_reg, other_temp_reg, temp_reg);
    e_.op(Inst::kIdCmp, temp_reg, asmjit::Imm{0});
    e_.op(Inst::kIdCsel, gp64(i.dst), other_temp_reg, temp_reg, imm_of(condition::not_equal));
    forget(i.dst);
}

void generator::multiply(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const bool wide = is_64(i.id);
    const a64::Gp dst = gp(wide, i.dst);
    const a64::Gp from = source(wide, i.dst);
    forget(i.dst);
    if (has_imm(i.id))
        multiply_by(dst, from, extended(wide, i.imm));
    else
        e_.op(Inst::kIdMul, dst, from, source(wide, i.src));
}

void generator::multiply_by(const a64::Gp &dst, const a64::Gp &n, uint64_t value) {
    if (std::has_single_bit(value)) {
        e_.op(Inst::kIdLsl, dst, n, asmjit::Imm{std::countr_zero(value)});
    } else if (value > 2 and std::has_single_bit(value - 1)) {
        e_.op(Inst::kIdAdd, dst, n, n, left(std::countr_zero(value - 1)));
    } else {
        e_.move(temp_reg, value);
        e_.op(Inst::kIdMul, dst, n, sized(dst.isGpX(), temp_reg));
    }
}

void generator::shift(uint32_t pc, Inst::Id id) {
    const isa::instruction &i = insn(pc);
    const bool wide = is_64(i.id);
    const a64::Gp dst = gp(wide, i.dst);
    forget(i.dst);
    if (has_imm(i.id))
        e_.op(id, dst, source(wide, i.dst), asmjit::Imm{i.imm & (wide ? 63 : 31)});
    else
        e_.op(id, dst, source(wide, i.dst), source(wide, i.src));
}

// --- division
//
// By 0 the machine gives 0, and the smallest number by -1 is the smallest number: as eBPF wants it.

void generator::divide(uint32_t pc, bool is_signed, bool is_division) {
    const isa::instruction &i = insn(pc);
    const bool wide = is_64(i.id);
    const a64::Gp dst = gp(wide, i.dst);
    forget(i.dst);
    if (has_imm(i.id)) {
        if (is_signed) return divide_signed(dst, i.imm, is_division);
        return divide_unsigned(dst, extended(wide, i.imm), is_division);
    }
    const a64::Gp divisor = gp(wide, i.src);
    const a64::Gp quotient = is_division ? dst : sized(wide, temp_reg);
    e_.op(is_signed ? Inst::kIdSdiv : Inst::kIdUdiv, quotient, dst, divisor);
    if (not is_division) e_.op(Inst::kIdMsub, dst, quotient, divisor, dst);
}

/// n / 1 and n % 0, or n / 0 and n % 1.
void generator::keep_or_zero(const a64::Gp &n, bool keeps) {
    if (not keeps)
        e_.move(n, 0);
    else if (not n.isGpX())
        e_.op(Inst::kIdMov, n, n);
}

/// n -= quotient * divisor.
void generator::take_rest(const a64::Gp &n, const a64::Gp &quotient, uint64_t divisor) {
    e_.move(other_temp_reg, divisor);
    e_.op(Inst::kIdMsub, n, quotient, sized(n.isGpX(), other_temp_reg), n);
}

void generator::divide_unsigned(const a64::Gp &n, uint64_t divisor, bool is_division) {
    if (divisor <= 1) return keep_or_zero(n, is_division == (divisor == 1));
    const bool wide = n.isGpX();
    if (std::has_single_bit(divisor)) {
        if (is_division)
            e_.op(Inst::kIdLsr, n, n, asmjit::Imm{std::countr_zero(divisor)});
        else
            e_.op(Inst::kIdAnd, n, n, asmjit::Imm{divisor - 1});
        return;
    }
    const a64::Gp quotient = is_division ? n.x() : temp_reg;
    if (wide) {
        divide_by_product(quotient, n, divisor);
    } else {
        // What is above 32 bits does not count.
        e_.op(Inst::kIdMov, temp_reg.w(), n);
        e_.move(other_temp_reg, reciprocal32(static_cast<uint32_t>(divisor)));
        e_.op(Inst::kIdUmulh, quotient, temp_reg, other_temp_reg);
    }
    if (not is_division) take_rest(n, sized(wide, quotient), divisor);
}

void generator::divide_by_product(const a64::Gp &quotient, const a64::Gp &n, uint64_t divisor) {
    const auto [factor, shift, adds] = reciprocal(divisor);
    e_.move(other_temp_reg, factor);
    const bool is_done = not adds and shift == 0;
    e_.op(Inst::kIdUmulh, is_done ? quotient : temp_reg, n, other_temp_reg);
    if (adds) {
        e_.op(Inst::kIdSub, other_temp_reg, n, temp_reg);
        e_.op(Inst::kIdAdd, shift == 0 ? quotient : temp_reg, temp_reg, other_temp_reg, right(1));
    }
    if (shift != 0) e_.op(Inst::kIdLsr, quotient, temp_reg, asmjit::Imm{shift});
}

void generator::divide_signed(const a64::Gp &n, int32_t divisor, bool is_division) {
    const bool wide = n.isGpX();
    if (divisor == 0 or divisor == 1) return keep_or_zero(n, is_division == (divisor == 1));
    if (divisor == -1) {
        if (not is_division) return e_.move(n, 0);
        return e_.op(Inst::kIdNeg, n, n);
    }
    const a64::Gp quotient = is_division ? n : sized(wide, temp_reg);
    const uint32_t size =
        divisor < 0 ? 0 - static_cast<uint32_t>(divisor) : static_cast<uint32_t>(divisor);
    if (std::has_single_bit(size))
        divide_signed_by_shift(quotient, n, divisor, static_cast<unsigned>(std::countr_zero(size)));
    else
        divide_signed_by_product(quotient, n, divisor);
    if (not is_division) take_rest(n, quotient, extended(wide, divisor));
}

/// The divisor is 2 to the power of `log`, or minus that.
void generator::divide_signed_by_shift(const a64::Gp &quotient, const a64::Gp &n, int32_t divisor,
                                       unsigned log) {
    const unsigned bits = n.size() * 8;
    const a64::Gp sum = sized(n.isGpX(), other_temp_reg);
    // Negative numbers are rounded up.
    e_.op(Inst::kIdAsr, sum, n, asmjit::Imm{bits - 1});
    e_.op(Inst::kIdAdd, sum, n, sum, right(bits - log));
    e_.op(Inst::kIdAsr, divisor < 0 ? sum : quotient, sum, asmjit::Imm{log});
    if (divisor < 0) e_.op(Inst::kIdNeg, quotient, sum);
}

/// 32-bit numbers are divided as 64-bit ones, which have their quotients.
void generator::divide_signed_by_product(const a64::Gp &quotient, const a64::Gp &n,
                                         int32_t divisor) {
    const auto [factor, shift, adds, subtracts] = signed_reciprocal_of(divisor);
    const bool wide = n.isGpX();
    const a64::Gp dividend = wide ? n : third_temp_reg;
    if (not wide) e_.op(Inst::kIdSxtw, dividend, n);
    e_.move(other_temp_reg, static_cast<uint64_t>(factor));
    e_.op(Inst::kIdSmulh, temp_reg, dividend, other_temp_reg);
    if (adds) e_.op(Inst::kIdAdd, temp_reg, temp_reg, dividend);
    if (subtracts) e_.op(Inst::kIdSub, temp_reg, temp_reg, dividend);
    if (shift != 0) e_.op(Inst::kIdAsr, temp_reg, temp_reg, asmjit::Imm{shift});
    // Negative quotients are rounded up: minus their sign.
    const a64::Gp rounded = sized(wide, temp_reg);
    e_.op(Inst::kIdAdd, quotient, rounded, rounded, right(n.size() * 8 - 1));
}

// --- conversions

void generator::convert(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const a64::Gp dst = gp(row.width == width::w64, i.dst);
    switch (row.operation) {
    case operation::neg: e_.op(Inst::kIdNeg, dst, dst); break;
    case operation::movsx8: e_.op(Inst::kIdSxtb, dst, gp32(i.src)); break;
    case operation::movsx16: e_.op(Inst::kIdSxth, dst, gp32(i.src)); break;
    case operation::movsx32: e_.op(Inst::kIdSxtw, dst, gp32(i.src)); break;
    case operation::le:
        if (row.width == width::w16)
            e_.op(Inst::kIdUxth, dst, dst);
        else if (row.width == width::w32)
            e_.op(Inst::kIdMov, dst, dst);
        break;
    default: swap_bytes(dst, row.width); break;
    }
    forget(i.dst);
}

void generator::swap_bytes(const a64::Gp &dst, width w) {
    e_.op(Inst::kIdRev, dst, dst);
    if (w == width::w16) e_.op(Inst::kIdLsr, dst, dst, asmjit::Imm{16});
}

}  // namespace bpftime::vm::ubpf::inline aarch64
