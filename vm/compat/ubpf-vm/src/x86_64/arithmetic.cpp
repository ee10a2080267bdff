// bpftime-vm: eBPF to x86-64, in one pass: arithmetic
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "division.hpp"
#include "generator.hpp"

#include <bit>
#include <limits>
#include <utility>

namespace bpftime::vm::ubpf {

namespace {

using isa::insn_id;
using isa::operation;
using isa::width;

/// Without a branch, as widths come in any order.
x86::Gp gp(bool wide, unsigned reg) noexcept {
    constexpr std::array signatures{x86::Gpd::kSignature, x86::Gpq::kSignature};
    return x86::Gp{asmjit::OperandSignature{signatures[wide ? 1 : 0]}, machine_registers[reg]};
}
x86::Gp sized(bool wide, const x86::Gp &reg) noexcept {
    return wide ? x86::Gp{reg.r64()} : x86::Gp{reg.r32()};
}

/// Whether a multiplication by this is a shift.
bool is_shift(int32_t factor) noexcept {
    return factor > 1 and std::has_single_bit(static_cast<uint32_t>(factor));
}

/// Below the stack pointer, where no call comes in between and signals write nothing.
x86::Mem spill(int32_t n) noexcept { return x86::qword_ptr(x86::rsp, -8 * n); }

}  // namespace

void generator::alu(uint32_t pc, Inst::Id id) {
    const isa::instruction &i = insn(pc);
    const bool wide = is_64(i.id);
    if (hides(i))
        e_.op(id, gp(wide, i.dst), hidden(wide, i.imm));
    else if (has_imm(i.id))
        e_.op(id, gp(wide, i.dst), asmjit::imm(i.imm));
    else
        e_.op(id, gp(wide, i.dst), gp(wide, i.src));
    know_result(i);
    zero_flag_at_ = pc + 1;
}

void generator::move(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const bool wide = is_64(i.id);
    if (has_imm(i.id)) {
        if (hides(i))
            set_hidden(gp(wide, i.dst), i.imm);
        else if (wide and i.imm < 0)
            e_.op(Inst::kIdMov, gp64(i.dst), asmjit::imm(i.imm));
        else
            set_constant(i.dst, static_cast<uint32_t>(i.imm));
        return forget(i.dst);
    }
    if (not wide or i.dst != i.src) e_.op(Inst::kIdMov, gp(wide, i.dst), gp(wide, i.src));
    know_copy(i);
}

/// Makes a copy of a register and what is done with the copy next, at `pc + 1`, in one instruction
/// that leaves its operand alone. False if there is none.
bool generator::operate_on_copy(uint32_t pc) {
    const isa::instruction &copy = insn(pc);
    const isa::instruction &i = insn(pc + 1);
    const bool wide = is_64(i.id);
    if (i.dst != copy.dst or copy.src == copy.dst or (wide and not is_64(copy.id))) return false;
    if (hides(i)) return false;
    // The copy may be what it is combined with, too.
    const unsigned other = i.src == copy.dst ? copy.src : i.src;
    const x86::Gp dst = gp(wide, i.dst);
    const x86::Gp from = gp(wide, copy.src);
    switch (i.id) {
    case insn_id::add32_reg:
    case insn_id::add64_reg: e_.op(Inst::kIdLea, dst, x86::ptr(gp64(copy.src), gp64(other))); break;
    case insn_id::add32_imm:
    case insn_id::add64_imm: e_.op(Inst::kIdLea, dst, x86::ptr(gp64(copy.src), i.imm)); break;
    case insn_id::lsh32_imm:
    case insn_id::lsh64_imm:
        if ((i.imm & (wide ? 63 : 31)) != 1) return false;
        e_.op(Inst::kIdLea, dst, x86::ptr(gp64(copy.src), gp64(copy.src)));
        break;
    case insn_id::lsh32_reg:
    case insn_id::lsh64_reg:
        if (not machine_.bmi2) return false;
        e_.op(Inst::kIdShlx, dst, from, gp(wide, other));
        break;
    case insn_id::rsh32_reg:
    case insn_id::rsh64_reg:
        if (not machine_.bmi2) return false;
        e_.op(Inst::kIdShrx, dst, from, gp(wide, other));
        break;
    case insn_id::arsh32_reg:
    case insn_id::arsh64_reg:
        if (not machine_.bmi2) return false;
        e_.op(Inst::kIdSarx, dst, from, gp(wide, other));
        break;
    case insn_id::mul32_imm:
    case insn_id::mul64_imm:
        if (is_shift(i.imm)) return false;
        e_.op(Inst::kIdImul, dst, from, asmjit::imm(i.imm));
        break;
    case insn_id::and32_imm:
    case insn_id::and64_imm:
        if (i.imm == 0xff)
            e_.op(Inst::kIdMovzx, gp32(i.dst), x86::gpb_lo(machine_registers[copy.src]));
        else if (i.imm == 0xffff)
            e_.op(Inst::kIdMovzx, gp32(i.dst), x86::gpw(machine_registers[copy.src]));
        else
            return false;
        break;
    default: return false;
    }
    know_copy(copy);
    know_result(i);
    return true;
}

/// See compat::cast_into_arena().
void generator::cast_into_arena(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    e_.op(Inst::kIdMov, gp32(i.dst), gp32(i.src));
    e_.op(Inst::kIdMov, temp_reg, asmjit::imm(input_->linked.arena()->window));
    e_.op(Inst::kIdOr, temp_reg, gp64(i.dst));
    e_.op(Inst::kIdTest, gp32(i.dst), gp32(i.dst));
    e_.op(Inst::kIdCmovne, gp64(i.dst), temp_reg);
    forget(i.dst);
}

void generator::multiply(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const x86::Gp dst = gp(is_64(i.id), i.dst);
    forget(i.dst);
    if (not has_imm(i.id))
        e_.op(Inst::kIdImul, dst, gp(is_64(i.id), i.src));
    else if (is_shift(i.imm))
        e_.op(Inst::kIdShl, dst, asmjit::imm(std::countr_zero(static_cast<uint32_t>(i.imm))));
    else if (hides(i))
        e_.op(Inst::kIdImul, dst, hidden(is_64(i.id), i.imm));
    else
        e_.op(Inst::kIdImul, dst, dst, asmjit::imm(i.imm));
}

void generator::shift(uint32_t pc, shift_opcodes ids) {
    const isa::instruction &i = insn(pc);
    const bool wide = is_64(i.id);
    const x86::Gp dst = gp(wide, i.dst);
    forget(i.dst);
    if (has_imm(i.id)) {
        const int32_t count = i.imm & (wide ? 63 : 31);
        // A count of 0 would leave what is above 32 bits. Additions have more units than shifts.
        if (count == 1 and ids.by_count == Inst::kIdShl)
            e_.op(Inst::kIdAdd, dst, dst);
        else if (count != 0)
            e_.op(ids.by_count, dst, asmjit::imm(count));
        else if (not wide)
            e_.op(Inst::kIdMov, dst, dst);
    } else if (machine_.bmi2) {
        e_.op(ids.by_register, dst, dst, gp(wide, i.src));
    } else {
        shift_by_cl(ids.by_count, wide, i.dst, i.src);
    }
}

void generator::shift_by_cl(Inst::Id id, bool wide, unsigned dst, unsigned src) {
    const bool dst_is_cl = gp64(dst) == x86::rcx;
    const bool src_is_cl = gp64(src) == x86::rcx;
    const x86::Gp value = dst_is_cl and not src_is_cl ? sized(wide, temp_reg) : gp(wide, dst);
    if (not src_is_cl) {
        e_.op(Inst::kIdMov, temp_reg, x86::rcx);
        e_.op(Inst::kIdMov, x86::ecx, gp32(src));
    }
    // By 0, nothing is written, not even the upper half.
    if (not wide) e_.op(Inst::kIdMov, value, value);
    e_.op(id, value, x86::cl);
    if (not src_is_cl) e_.op(Inst::kIdMov, x86::rcx, temp_reg);
}

// --- division

void generator::divide(uint32_t pc, bool is_signed, bool is_division) {
    const isa::instruction &i = insn(pc);
    const bool wide = is_64(i.id);
    forget(i.dst);
    if (hides(i)) {
        divide_by_register(wide, i.dst, hidden(wide, i.imm), is_signed, is_division);
    } else if (not has_imm(i.id)) {
        e_.op(Inst::kIdMov, sized(wide, temp_reg), gp(wide, i.src));
        divide_by_register(wide, i.dst, sized(wide, temp_reg), is_signed, is_division);
    } else if (is_signed) {
        divide_signed(wide, i.dst, i.imm, is_division);
    } else {
        divide_unsigned(wide, i.dst, i.imm, is_division);
    }
}

void generator::divide_by_register(bool wide, unsigned dst_reg, const x86::Gp &divisor,
                                   bool is_signed, bool is_division) {
    const x86::Gp dst = gp(wide, dst_reg);
    const bool is_ax = gp64(dst_reg) == x86::rax;
    const bool is_dx = gp64(dst_reg) == x86::rdx;
    e_.op(Inst::kIdTest, divisor, divisor);
    const open_jump by_zero = e_.jump_if(condition::equal, true);
    open_jump by_minus_one{};
    if (is_signed) {
        e_.op(Inst::kIdCmp, divisor, asmjit::imm(-1));
        by_minus_one = e_.jump_if(condition::equal, true);
    }
    if (not is_ax) e_.op(Inst::kIdMov, spill(1), x86::rax);
    if (not is_dx) e_.op(Inst::kIdMov, spill(2), x86::rdx);
    if (not is_ax) e_.op(Inst::kIdMov, sized(wide, x86::rax), dst);
    if (not is_signed) {
        e_.op(Inst::kIdXor, x86::edx, x86::edx);
        e_.op(Inst::kIdDiv, sized(wide, x86::rdx), sized(wide, x86::rax), divisor);
    } else {
        if (wide)
            e_.op(Inst::kIdCqo, x86::rdx, x86::rax);
        else
            e_.op(Inst::kIdCdq, x86::edx, x86::eax);
        e_.op(Inst::kIdIdiv, sized(wide, x86::rdx), sized(wide, x86::rax), divisor);
    }
    const x86::Gp result = sized(wide, is_division ? x86::rax : x86::rdx);
    if (result != dst) e_.op(Inst::kIdMov, dst, result);
    if (not is_ax) e_.op(Inst::kIdMov, x86::rax, spill(1));
    if (not is_dx) e_.op(Inst::kIdMov, x86::rdx, spill(2));
    const open_jump done = e_.jump(true);
    static_cast<void>(e_.close(by_zero));
    if (is_division)
        zero(dst_reg);
    else if (not wide)
        e_.op(Inst::kIdMov, dst, dst);
    if (is_signed) {
        const open_jump also_done = e_.jump(true);
        static_cast<void>(e_.close(by_minus_one));
        if (is_division)
            e_.op(Inst::kIdNeg, dst);
        else
            zero(dst_reg);
        static_cast<void>(e_.close(also_done));
    }
    static_cast<void>(e_.close(done));
}

/// temp_reg = the upper half of factor * by.
void generator::high_product(const x86::Gp &factor, uint64_t by, bool is_signed) {
    e_.op(Inst::kIdMov, temp_reg, asmjit::imm(by));
    const bool is_ax = factor == x86::rax;
    const bool is_dx = factor == x86::rdx;
    if (machine_.bmi2 and not is_signed) {
        if (not is_dx) {
            e_.op(Inst::kIdMov, spill(1), x86::rdx);
            e_.op(Inst::kIdMov, x86::rdx, factor);
        }
        e_.op(Inst::kIdMulx, temp_reg, temp_reg, temp_reg, x86::rdx);
        if (not is_dx) e_.op(Inst::kIdMov, x86::rdx, spill(1));
        return;
    }
    e_.op(Inst::kIdMov, spill(1), x86::rax);
    e_.op(Inst::kIdMov, spill(2), x86::rdx);
    if (not is_ax) e_.op(Inst::kIdMov, x86::rax, factor);
    e_.op(is_signed ? Inst::kIdImul : Inst::kIdMul, x86::rdx, x86::rax, temp_reg);
    e_.op(Inst::kIdMov, temp_reg, x86::rdx);
    e_.op(Inst::kIdMov, x86::rdx, spill(2));
    e_.op(Inst::kIdMov, x86::rax, spill(1));
}

void generator::divide_unsigned(bool wide, unsigned dst_reg, int32_t imm, bool is_division) {
    const uint64_t divisor =
        wide ? static_cast<uint64_t>(int64_t{imm}) : static_cast<uint32_t>(imm);
    const x86::Gp dst = gp(wide, dst_reg);
    const x86::Gp temp = sized(wide, temp_reg);
    if (divisor == 0 or divisor == 1) {
        // By 0 the quotient is 0, by 1 the remainder.
        if (is_division == (divisor == 0))
            zero(dst_reg);
        else if (not wide)
            e_.op(Inst::kIdMov, dst, dst);
        return;
    }
    if (std::has_single_bit(divisor)) {
        if (is_division)
            e_.op(Inst::kIdShr, dst, asmjit::imm(std::countr_zero(divisor)));
        else
            e_.op(Inst::kIdAnd, dst, asmjit::imm(static_cast<int32_t>(divisor - 1)));
        return;
    }
    if (not wide) {
        e_.op(Inst::kIdMov, dst, dst);
        high_product(gp64(dst_reg), reciprocal32(static_cast<uint32_t>(divisor)), false);
    } else {
        const auto [factor, shift, adds] = reciprocal(divisor);
        high_product(dst, factor, false);
        if (adds) {
            if (not is_division) e_.op(Inst::kIdMov, spill(1), dst);
            e_.op(Inst::kIdSub, dst, temp_reg);
            e_.op(Inst::kIdShr, dst, asmjit::imm(1));
            e_.op(Inst::kIdAdd, temp_reg, dst);
            if (not is_division) e_.op(Inst::kIdMov, dst, spill(1));
        }
        if (shift != 0) e_.op(Inst::kIdShr, temp_reg, asmjit::imm(shift));
    }
    if (is_division) {
        e_.op(Inst::kIdMov, dst, temp);
    } else {
        e_.op(Inst::kIdImul, temp, temp, asmjit::imm(imm));
        e_.op(Inst::kIdSub, dst, temp);
    }
}

void generator::divide_signed(bool wide, unsigned dst_reg, int32_t imm, bool is_division) {
    const x86::Gp dst = gp(wide, dst_reg);
    if (imm == 0) {
        if (is_division)
            zero(dst_reg);
        else if (not wide)
            e_.op(Inst::kIdMov, dst, dst);
        return;
    }
    if (imm == 1 or imm == -1) {
        if (not is_division)
            zero(dst_reg);
        else if (imm == -1)
            e_.op(Inst::kIdNeg, dst);
        else if (not wide)
            e_.op(Inst::kIdMov, dst, dst);
        return;
    }
    // 32-bit numbers are divided as 64-bit ones, which have their quotients.
    if (not wide) e_.op(Inst::kIdMovsxd, dst.r64(), dst);
    signed_quotient(dst.r64(), imm);
    const x86::Gp temp = sized(wide, temp_reg);
    if (is_division) {
        e_.op(Inst::kIdMov, dst, temp);
    } else {
        e_.op(Inst::kIdImul, temp, temp, asmjit::imm(imm));
        e_.op(Inst::kIdSub, dst, temp);
    }
}

/// temp_reg = n / divisor, whose absolute value is at least 2.
void generator::signed_quotient(const x86::Gp &n, int64_t divisor) {
    const auto size = static_cast<uint64_t>(divisor < 0 ? -divisor : divisor);
    if (std::has_single_bit(size)) {
        // Negative numbers are rounded up.
        const auto log = static_cast<unsigned>(std::countr_zero(size));
        e_.op(Inst::kIdMov, temp_reg, n);
        e_.op(Inst::kIdSar, temp_reg, asmjit::imm(63));
        e_.op(Inst::kIdShr, temp_reg, asmjit::imm(64 - log));
        e_.op(Inst::kIdAdd, temp_reg, n);
        e_.op(Inst::kIdSar, temp_reg, asmjit::imm(log));
        if (divisor < 0) e_.op(Inst::kIdNeg, temp_reg);
        return;
    }
    const auto [factor, shift, adds, subtracts] = signed_reciprocal_of(divisor);
    high_product(n, static_cast<uint64_t>(factor), true);
    if (adds) e_.op(Inst::kIdAdd, temp_reg, n);
    if (subtracts) e_.op(Inst::kIdSub, temp_reg, n);
    if (shift != 0) e_.op(Inst::kIdSar, temp_reg, asmjit::imm(shift));
    // Negative quotients are rounded up: minus their sign.
    e_.op(Inst::kIdMov, spill(1), temp_reg);
    e_.op(Inst::kIdShr, temp_reg, asmjit::imm(63));
    e_.op(Inst::kIdAdd, temp_reg, spill(1));
}

// --- conversions

void generator::convert(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const bool wide = row.width == width::w64;
    const x86::Gp dst = gp(wide, i.dst);
    const uint8_t src = machine_registers[i.src];
    switch (row.operation) {
    case operation::neg: e_.op(Inst::kIdNeg, dst); break;
    case operation::movsx8: e_.op(Inst::kIdMovsx, dst, x86::gpb_lo(src)); break;
    case operation::movsx16: e_.op(Inst::kIdMovsx, dst, x86::gpw(src)); break;
    case operation::movsx32: e_.op(Inst::kIdMovsxd, dst, x86::gpd(src)); break;
    case operation::le:
        if (row.width == width::w16)
            e_.op(Inst::kIdMovzx, gp32(i.dst), x86::gpw(machine_registers[i.dst]));
        else if (row.width == width::w32)
            e_.op(Inst::kIdMov, gp32(i.dst), gp32(i.dst));
        break;
    default: swap_bytes(i.dst, row.width); break;
    }
    forget(i.dst);
}

void generator::swap_bytes(unsigned dst, width w) {
    if (w == width::w16) {
        const x86::Gp low = x86::gpw(machine_registers[dst]);
        e_.op(Inst::kIdRol, low, asmjit::imm(8));
        e_.op(Inst::kIdMovzx, gp32(dst), low);
    } else {
        e_.op(Inst::kIdBswap, gp(w == width::w64, dst));
    }
}

}  // namespace bpftime::vm::ubpf
