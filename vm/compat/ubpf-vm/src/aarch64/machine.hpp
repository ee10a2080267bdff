// bpftime-vm: which registers of AArch64 hold what in native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// What is only of this machine is in a namespace of its own: tests on other machines make this
// code, too, beside their own.
#pragma once

#include "jit_state.hpp"
#include "stubs.hpp"

#include <asmjit/arm/a64assembler.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bpftime::vm::ubpf::inline aarch64 {

namespace a64 = asmjit::a64;
using Inst = asmjit::a64::Inst;  // NOLINT(readability-identifier-naming): AsmJit's

/// r1 to r5 are the first five arguments of the host's functions, r6 to r9 and r10 are in registers
/// that those keep, and so is most of our own state.
inline constexpr std::array<uint8_t, isa::register_count> machine_registers{7,  0,  1,  2,  3, 4,
                                                                            19, 20, 21, 22, 23};

inline constexpr a64::Gp state_reg = a64::x24;        ///< jit_state
inline constexpr a64::Gp slice_reg = a64::x25;        ///< what is left of the budget's slice
inline constexpr a64::Gp minus_input_reg = a64::x26;  ///< jit_state::minus_input
inline constexpr a64::Gp frame_reg = a64::x23;        ///< r10
inline constexpr a64::Gp link_reg = a64::x30;         ///< where to return to
/// jit_state::input_starts. Calls of the host do not keep the first two.
inline constexpr std::array<a64::Gp, 4> input_starts_regs{a64::x14, a64::x15, a64::x27, a64::x28};

// Free between instructions. Stubs take their arguments in the first two.
inline constexpr a64::Gp temp_reg = a64::x9;
inline constexpr a64::Gp site_reg = a64::x10;
inline constexpr a64::Gp other_temp_reg = a64::x11;
inline constexpr a64::Gp third_temp_reg = a64::x12;
// Calls and jumps may change them on their way.
inline constexpr a64::Gp way_reg = a64::x16;
inline constexpr a64::Gp distance_reg = a64::x17;

[[nodiscard]] inline a64::Gp gp64(unsigned reg) noexcept {
    return a64::GpX{machine_registers[reg]};
}
[[nodiscard]] inline a64::Gp gp32(unsigned reg) noexcept {
    return a64::GpW{machine_registers[reg]};
}
[[nodiscard]] inline a64::Gp gp(bool wide, unsigned reg) noexcept {
    return wide ? gp64(reg) : gp32(reg);
}
[[nodiscard]] inline a64::Gp sized(bool wide, const a64::Gp &reg) noexcept {
    return wide ? a64::Gp{reg.x()} : a64::Gp{reg.w()};
}

/// The instructions that do what an operation does.
struct machine_opcodes {
    static constexpr Inst::Id add = Inst::kIdAdd;
    static constexpr Inst::Id sub = Inst::kIdSub;
    static constexpr Inst::Id bit_or = Inst::kIdOrr;
    static constexpr Inst::Id bit_and = Inst::kIdAnd;
    static constexpr Inst::Id bit_xor = Inst::kIdEor;
    static constexpr Inst::Id lsh = Inst::kIdLsl;
    static constexpr Inst::Id rsh = Inst::kIdLsr;
    static constexpr Inst::Id arsh = Inst::kIdAsr;
};

/// A word of the state.
[[nodiscard]] inline a64::Mem state_word(std::size_t offset) noexcept {
    return a64::ptr(state_reg, static_cast<int32_t>(offset));
}

// Stubs find a pc or a site in w10; what checks a group finds its size in x11.

/// Where a stub is in a chunk.
[[nodiscard]] uint32_t stub_offset(stub which);

}  // namespace bpftime::vm::ubpf::inline aarch64
