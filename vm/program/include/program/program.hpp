// bpftime-vm: bytes that became one validated, analysed program
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "isa/isa.hpp"

#include <cstdint>
#include <span>
#include <vector>

#ifndef EBPF_MAX_INSTS
#define EBPF_MAX_INSTS 65536
#endif

namespace bpftime::vm {

/// Most slots that a program may have, unless program_options say otherwise (inclusive).
inline constexpr uint32_t default_max_insns = EBPF_MAX_INSTS;
/// Most slots that program_options::max_insns may allow.
inline constexpr uint32_t most_max_insns = 16U << 20;

struct program_options {
    uint32_t max_insns = default_max_insns;
    /// Slots that `gotox` may go to (the entries of the program's jump tables); any order,
    /// duplicates allowed.
    std::vector<uint32_t> jump_targets;
};

/// A straight run of instructions: entered at `begin` only, left after its last instruction only.
struct basic_block {
    uint32_t begin = 0;  ///< first slot
    uint32_t end = 0;    ///< one past the last slot
    uint32_t function = 0;
    uint32_t first_successor = 0;  ///< index into program::successors_of's array
    uint32_t successor_count = 0;
    bool reachable =
        false;  ///< from the entry of the program, over calls and addresses of functions too
};

/// A subprogram: the slots from one entry to the next. Function 0 is the program's entry.
struct function {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t first_block = 0;
    uint32_t block_count = 0;
    uint32_t first_callee = 0;
    uint32_t callee_count = 0;
    /// Budget units that a call of this function costs: slots on its longest path without backward
    /// jumps.
    uint32_t weight = 0;
    bool reachable = false;
};

/// A validated program. Immutable, so shared between threads and engines freely; knows no host
/// address.
///
/// Budget: units are charged at backward jumps (program::loop_weight) and at local calls
/// (function::weight), so that straight code carries no counter. A run executes at most "units
/// charged + weight of function 0" slots (lddw counts as the two that it is).
class program {
public:
    /// Decodes, validates and analyses `code` in time linear in its size (plus sorting call and
    /// jump targets). Errors: every code of errors.def's first section; the message names pc,
    /// instruction, value and remedy.
    [[nodiscard]] static result<program> load(std::span<const uint8_t> code,
                                              const program_options &options = {});

    /// All slots; index = pc. The second slot of lddw has id none.
    [[nodiscard]] std::span<const isa::instruction> insns() const noexcept { return insns_; }
    [[nodiscard]] const isa::instruction &insn(uint32_t pc) const noexcept { return insns_[pc]; }
    [[nodiscard]] uint32_t size() const noexcept { return static_cast<uint32_t>(insns_.size()); }

    [[nodiscard]] std::span<const function> functions() const noexcept { return functions_; }
    [[nodiscard]] std::span<const basic_block> blocks() const noexcept { return blocks_; }
    /// Blocks that control can reach from `block` within its function, as indexes into blocks();
    /// sorted if it ends in gotox.
    [[nodiscard]] std::span<const uint32_t> successors_of(const basic_block &block) const noexcept {
        return std::span{successors_}.subspan(block.first_successor, block.successor_count);
    }
    /// Functions that `f` calls or takes the address of, sorted, as indexes into functions().
    [[nodiscard]] std::span<const uint32_t> callees_of(const function &f) const noexcept {
        return std::span{callees_}.subspan(f.first_callee, f.callee_count);
    }

    /// Index of the function that slot `pc` belongs to.
    [[nodiscard]] uint32_t function_at(uint32_t pc) const noexcept;
    /// Whether `pc` is the first slot of a function.
    [[nodiscard]] bool is_entry(uint32_t pc) const noexcept;
    /// Whether `value` is the handle of a function that control can reach. Handles can be forged,
    /// so "a function" is not enough: only reachable code is linked.
    [[nodiscard]] bool is_callable(uint64_t value) const noexcept;

    /// Where the taken jump of the instruction at `pc` goes (not gotox).
    [[nodiscard]] uint32_t jump_target(uint32_t pc) const noexcept;
    /// The first slot of the function that call_local or lddw_code at `pc` refers to.
    [[nodiscard]] uint32_t callee_pc(uint32_t pc) const noexcept;
    /// The 64-bit immediate of the lddw at `pc`.
    [[nodiscard]] uint64_t wide_imm(uint32_t pc) const noexcept;

    /// Slots that gotox may go to, sorted, without duplicates.
    [[nodiscard]] std::span<const uint32_t> jump_targets() const noexcept { return jump_targets_; }

    /// Whether the jump from `from` to `to` is charged: a loop has at least one such jump.
    [[nodiscard]] static constexpr bool is_back_edge(uint32_t from, uint32_t to) noexcept {
        return to <= from;
    }
    /// Budget units that every back edge to `to` costs: at least the slots on the longest path from
    /// `to` to such a jump. 0 if there is none.
    [[nodiscard]] uint32_t loop_weight(uint32_t to) const noexcept { return loop_weights_[to]; }
    /// The same by slot.
    [[nodiscard]] std::span<const uint32_t> loop_weights() const noexcept { return loop_weights_; }

    /// The bytes that load() was given.
    [[nodiscard]] std::vector<uint8_t> bytes() const;
    /// The instruction at `pc` in assembly text, for messages.
    [[nodiscard]] std::string text_at(uint32_t pc) const;

private:
    friend class program_builder;
    program() = default;

    std::vector<isa::instruction> insns_;
    std::vector<function> functions_;
    std::vector<basic_block> blocks_;
    std::vector<uint32_t> successors_;
    std::vector<uint32_t> callees_;
    std::vector<uint32_t> jump_targets_;
    std::vector<uint32_t> loop_weights_;
};

/// How often may_goto falls through in each stack frame before it jumps, as in the kernel
/// (BPF_MAX_LOOPS).
inline constexpr uint32_t may_goto_tries = 1U << 23;

/// The value that `lddw rX, code_addr(..)` gives for the function at `pc`, and that callx and gotox
/// take: no host address, and no canonical address of any machine, so it cannot be mistaken for
/// memory.
inline constexpr uint64_t code_handle_tag = 0xebfc'0000'0000'0000;
[[nodiscard]] constexpr uint64_t code_handle(uint32_t pc) noexcept { return code_handle_tag | pc; }
[[nodiscard]] constexpr bool is_code_handle(uint64_t value) noexcept {
    return (value & ~uint64_t{0xffff'ffff}) == code_handle_tag;
}
[[nodiscard]] constexpr uint32_t handle_pc(uint64_t handle) noexcept {
    return static_cast<uint32_t>(handle);
}

}  // namespace bpftime::vm
