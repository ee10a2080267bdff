// bpftime-vm: which registers of x86-64 hold what in native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "jit_state.hpp"
#include "stubs.hpp"

#include <asmjit/x86.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bpftime::vm::ubpf {

namespace x86 = asmjit::x86;
namespace Inst = asmjit::x86::Inst;

/// Where the host's functions take arguments and what they keep decides: r1 to r5 are the first
/// five arguments, r6 to r9 survive calls. Our own state is in a register that calls keep; the rest
/// of what we need is put back after them.
inline constexpr std::array<uint8_t, isa::register_count> machine_registers{
    x86::Gp::kIdAx,  x86::Gp::kIdDi,  x86::Gp::kIdSi, x86::Gp::kIdDx,
    x86::Gp::kIdCx,  x86::Gp::kIdR8,  x86::Gp::kIdBx, x86::Gp::kIdR14,
    x86::Gp::kIdR15, x86::Gp::kIdR12, x86::Gp::kIdBp};

inline constexpr x86::Gp state_reg = x86::r13;        ///< jit_state
inline constexpr x86::Gp slice_reg = x86::r9;         ///< what is left of the budget's slice
inline constexpr x86::Gp minus_input_reg = x86::r11;  ///< jit_state::minus_input, with checks on
inline constexpr x86::Gp temp_reg = x86::r10;         ///< free between instructions
inline constexpr x86::Gp frame_reg = x86::rbp;        ///< r10

[[nodiscard]] inline x86::Gp gp64(unsigned reg) noexcept {
    return x86::gpq(machine_registers[reg]);
}
[[nodiscard]] inline x86::Gp gp32(unsigned reg) noexcept {
    return x86::gpd(machine_registers[reg]);
}

struct shift_opcodes {
    Inst::Id by_count;
    Inst::Id by_register;
};

/// The instructions that do what an operation does.
struct machine_opcodes {
    static constexpr Inst::Id add = Inst::kIdAdd;
    static constexpr Inst::Id sub = Inst::kIdSub;
    static constexpr Inst::Id bit_or = Inst::kIdOr;
    static constexpr Inst::Id bit_and = Inst::kIdAnd;
    static constexpr Inst::Id bit_xor = Inst::kIdXor;
    static constexpr shift_opcodes lsh{Inst::kIdShl, Inst::kIdShlx};
    static constexpr shift_opcodes rsh{Inst::kIdShr, Inst::kIdShrx};
    static constexpr shift_opcodes arsh{Inst::kIdSar, Inst::kIdSarx};
};

/// A word of the state.
[[nodiscard]] inline x86::Mem state_word(std::size_t offset) noexcept {
    return x86::qword_ptr(state_reg, static_cast<int32_t>(offset));
}

// Stubs find a pc in eax; a site, and the pc of a refill or a gotox, on the stack, from where they
// take it. What checks a group finds its size in minus_input_reg. zero_frame gets 0 - size.

/// Where a stub is in a chunk.
[[nodiscard]] uint32_t stub_offset(stub which);

}  // namespace bpftime::vm::ubpf
