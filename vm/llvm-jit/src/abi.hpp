// bpftime-vm: what compiled code and the host know of each other
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/run.hpp"

#include <cstddef>
#include <cstdint>

namespace bpftime::vm::llvm_jit {

class native_program;

/// What compiled code sees of a run; read only.
struct run_state {
    uint64_t input_begin;
    uint64_t input_len;
    uint64_t last_frame;  ///< r10 of the deepest frame that the call depth allows
    compat::run *run;
};

/// The index of a run_state member among its words.
enum class state_word : unsigned { input_begin, input_len, last_frame };

/// What a compiled function returns: r0 and what is left of the budget's slice. A negative slice
/// ends the run: with the fault that the run holds, or without one (an unwinding helper).
struct outcome {
    uint64_t r0;
    int64_t slice;
};

/// The entry function. `frame` is r10.
using entry_function = outcome (*)(const run_state *state, int64_t slice, uint64_t frame,
                                   uint64_t r1, uint64_t r2);

/// Calls a function by its handle for the helper that the function with this frame has called at
/// `pc`. `words`: r1 to r5.
using call_back_function = outcome (*)(const run_state *state, int64_t slice, uint64_t frame,
                                       const uint64_t *words, uint64_t function, uint32_t pc);

/// An access, in one word: pc, size in bytes, permission.
struct access_word {
    uint32_t pc;
    uint32_t size;
    permission wanted;

    [[nodiscard]] constexpr uint64_t pack() const noexcept {
        return uint64_t{pc} << 32 | uint64_t{size} << 8 | static_cast<uint8_t>(wanted);
    }
    [[nodiscard]] static constexpr access_word unpack(uint64_t word) noexcept {
        return {static_cast<uint32_t>(word >> 32), static_cast<uint32_t>(word >> 8 & 0xff'ffff),
                static_cast<permission>(word & 0xff)};
    }
};

/// A fault without memory in one word: pc and kind.
[[nodiscard]] constexpr uint64_t pack_fault(uint32_t pc, compat::fault_kind kind) noexcept {
    return uint64_t{pc} << 32 | static_cast<uint8_t>(kind);
}

// --- what compiled code calls; names and addresses in runtime_functions()

extern "C" {

/// Where this access of the program is to be made: at `address`, unless it is about an arena. 0:
/// the run has a fault.
uint64_t ebpf_rt_check(const run_state *state, uint64_t address, uint64_t access,
                       uint64_t frame) noexcept;
/// Ends the run because an atomic access that ebpf_rt_check() allows is misaligned.
void ebpf_rt_misaligned(const run_state *state, uint64_t address, uint64_t access,
                        uint64_t frame) noexcept;
/// Ends the run with a fault; `value`: that of callx or gotox.
void ebpf_rt_fault(const run_state *state, uint64_t pc_and_kind, uint64_t value) noexcept;
/// A new slice after a charge of `units` at `pc` has left `slice`; negative: the run ends.
int64_t ebpf_rt_refill(const run_state *state, int64_t slice, uint32_t units, uint32_t pc) noexcept;
/// The slice after moving as much of the budget into it as a slice may hold; unchanged if the run
/// is to be interrupted.
int64_t ebpf_rt_top_up(const run_state *state, int64_t slice) noexcept;
/// Calls a helper with declared memory arguments or result. `words`: r1 to r5; the first becomes
/// r0. False on a fault.
uint64_t ebpf_rt_call_helper(const run_state *state, const compat::helper_binding *helper,
                             uint32_t pc, uint64_t *words, uint64_t frame);
/// The same for helpers that run code: they get the slice, and give what they leave of it. r0: one
/// of compat::after_call.
outcome ebpf_rt_call_running_helper(const run_state *state, const compat::helper_binding *helper,
                                    uint32_t pc, uint64_t *words, uint64_t frame, int64_t slice);
/// Only checks the arguments of a call that the code makes itself; false on a fault.
uint64_t ebpf_rt_check_arguments(const run_state *state, const compat::helper_binding *helper,
                                 uint32_t pc, const uint64_t *words, uint64_t frame);
/// callx of a value that is no function: 1 with r0, 0 on a fault, 2 when the helper unwinds.
uint64_t ebpf_rt_call_value(const run_state *state, uint64_t value, uint32_t pc, uint64_t *words,
                            uint64_t frame);
/// A whole run, for callers of the native entry point.
uint64_t ebpf_rt_enter(const native_program *program, void *mem, size_t mem_len);
/// The same for programs that have no unwind tables: what their runs throw ends them.
uint64_t ebpf_rt_enter_quietly(const native_program *program, void *mem, size_t mem_len) noexcept;
}

}  // namespace bpftime::vm::llvm_jit
