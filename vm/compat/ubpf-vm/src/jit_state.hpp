// bpftime-vm: what native code and the host know of each other
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/run.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace bpftime::vm::ubpf {

class native_program;

/// In how many places of a piece of memory an access of 1, 2, 4 or 8 bytes may begin: whether one
/// is inside takes a single comparison.
using access_starts = std::array<uint64_t, 4>;

/// In how many places of a piece of memory an access of this size may begin.
[[nodiscard]] constexpr uint64_t starts_in(uint64_t len, uint64_t size) noexcept {
    return len < size ? 0 : len - size + 1;
}

[[nodiscard]] constexpr access_starts starts_in(uint64_t len) noexcept {
    if (len >= 8) [[likely]]
        return {len, len - 1, len - 3, len - 7};
    access_starts starts{};
    for (std::size_t i = 0; i < starts.size(); ++i) starts[i] = starts_in(len, uint64_t{1} << i);
    return starts;
}

/// Different sizes of accesses that are checked together, in one program.
inline constexpr std::size_t most_group_sizes = 16;

/// What native code sees of a run. A register points to it all the time. It is made for every run,
/// so nothing is set here that is written before it is read.
struct jit_state {
    jit_state(compat::run &r, const native_program &code, const access_starts &frames) noexcept
        : minus_input{0 - r.input().begin},
          input_starts{starts_in(r.input().len)},
          last_frame{r.frame_top(r.stack().depth() - 1)},
          frame_starts{frames},
          recent_reads{},
          recent_writes{},
          run{&r},
          program{&code} {}

    uint64_t exit_stack;   ///< the stack pointer of the code that called the native code
    int64_t slice;         ///< of the budget, while no native code runs
    uint64_t minus_input;  ///< 0 - where the input memory begins
    access_starts input_starts;
    uint64_t last_frame;  ///< r10 of the deepest frame that the call depth allows
    /// The same as input_starts for sizes that only this program has: native_code::group_sizes.
    std::array<uint64_t, most_group_sizes> group_starts;
    access_starts frame_starts;
    /// The memory that the map last said yes to, and what may begin in it: nothing, if it is
    /// forgotten.
    uint64_t recent_begin;
    access_starts recent_reads;
    access_starts recent_writes;
    uint64_t words[5];  ///< r1 to r5 of what is called; then its r0
    compat::run *run;
    const native_program *program;
    /// All of them, for who goes on in the place of native code.
    std::array<uint64_t, isa::register_count> registers;

    /// A helper may have taken memory back.
    void forget_recent() noexcept { recent_reads = recent_writes = {}; }
};

/// An access of memory, in what an instruction can have as an operand.
struct access_site {
    uint32_t pc;
    uint32_t size;
    permission wanted;

    [[nodiscard]] constexpr uint32_t pack() const noexcept {
        return pc << 6 | size << 2 | static_cast<uint32_t>(wanted);
    }
    [[nodiscard]] static constexpr access_site unpack(uint32_t word) noexcept {
        return {word >> 6, word >> 2 & 15, static_cast<permission>(word & 3)};
    }
};
static_assert(most_max_insns <= 1U << 24, "a pc has 24 bits in access_site");

// --- what native code calls. `frame` is r10. What ends the run gives 0, or a negative slice: the
// run has its fault then, or has ended without one.

/// Where this access goes, which is elsewhere in programs with an arena alone.
uint64_t rt_check(jit_state *state, uint64_t address, uint32_t site, uint64_t frame) noexcept;
/// Whether all accesses of a group may be made; else ends the run, after all that comes before the
/// one that may not. `address`, `size`: all their bytes. The site has the pc of the first.
uint64_t rt_check_group(jit_state *state, uint64_t address, uint32_t site, uint64_t frame,
                        uint32_t size);
/// Ends the run because an atomic access that may be made is misaligned.
void rt_misaligned(jit_state *state, uint64_t address, uint32_t site, uint64_t frame) noexcept;
/// A new slice after a charge of `units` at `pc` has left `slice`.
int64_t rt_refill(jit_state *state, int64_t slice, uint32_t units, uint32_t pc) noexcept;
/// Calls a helper with the words: one of compat::after_call.
uint64_t rt_call_helper(jit_state *state, const compat::helper_binding *helper, uint32_t pc,
                        uint64_t frame);
/// callx: the address of the native code that the words are for, or 1 if a helper has been called.
uint64_t rt_call_value(jit_state *state, uint64_t value, uint32_t pc, uint64_t frame);
/// gotox: the address of the native code to go to.
uint64_t rt_jump_value(jit_state *state, uint64_t value, uint32_t pc) noexcept;
/// A legacy packet load: one of compat::after_call, the first word is r0.
uint64_t rt_load_packet(jit_state *state, int64_t offset, uint32_t pc, uint64_t frame);
/// Ends the run at a local call.
void rt_too_deep(jit_state *state, uint32_t pc) noexcept;
/// Ends the run without a fault.
void rt_unwind(jit_state *state) noexcept;
/// A whole run, for callers of the native entry point.
uint64_t rt_enter(const native_program *program, void *mem, std::size_t mem_len);

}  // namespace bpftime::vm::ubpf
