// bpftime-vm: what native code need not do: registers and stack bytes that nobody reads as zero
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/executable.hpp"

#include <cstdint>
#include <vector>

namespace bpftime::vm::ubpf {

/// A set of eBPF registers, by bit.
using reg_set = uint16_t;

[[nodiscard]] constexpr reg_set bit_of(unsigned reg) noexcept {
    return static_cast<reg_set>(1U << reg);
}
[[nodiscard]] constexpr bool has(reg_set set, unsigned reg) noexcept {
    return (set >> reg & 1) != 0;
}

/// What one function does and needs.
struct function_facts {
    reg_set zeroed = 0;   ///< have to be zero when it begins, of r0 and r6 to r9
    reg_set changed = 0;  ///< of r6 to r9: its caller's values have to be put back
    uint64_t zeroed_slots =
        0;  ///< eight bytes each that have to be zero, from the top of its frame
    bool zeroes_frame = false;  ///< the same for all bytes of the frame
    bool needs_frame = false;   ///< whether r10, or how deep it is called, matters to it
    bool has_may_goto = false;
    const basic_block *table = nullptr;  ///< one that ends in gotox; null: none
};

/// What is found out about a program in a few passes over its reachable code. To be used for many:
/// it keeps its memory.
class jit_analysis {
public:
    void analyse(const compat::build_input &input);

    /// Whether all frames are in memory, where the memory map says. If not, no function lets the
    /// address of a frame get anywhere, and what lies there is nobody's to look at.
    [[nodiscard]] bool keeps_frames() const noexcept { return keeps_frames_; }
    [[nodiscard]] const function_facts &of_function(uint32_t index) const noexcept {
        return functions_[index];
    }
    /// Which of r1 to r5 have to be zero after the call at `pc`.
    [[nodiscard]] reg_set zeroed_after(uint32_t pc) const noexcept {
        return static_cast<reg_set>((at_[pc] & argument_bits) << 1);
    }
    /// Whether control gets to `pc` otherwise than from the instruction before it.
    [[nodiscard]] bool is_target(uint32_t pc) const noexcept { return (at_[pc] & target_bit) != 0; }
    /// Whether the jump backwards at `pc` is probably rare: what ends a loop comes later.
    [[nodiscard]] bool is_rare(uint32_t pc) const noexcept { return (at_[pc] & rare_bit) != 0; }

private:
    struct live_set {
        reg_set regs = 0;
        uint64_t slots = 0;

        friend bool operator==(const live_set &, const live_set &) = default;
    };

    static constexpr uint8_t argument_bits = 0x1f;
    static constexpr uint8_t rare_bit = 0x40;
    static constexpr uint8_t target_bit = 0x80;

    struct back_edge {
        uint32_t from;
        uint32_t to;
    };

    void scan(uint32_t index);
    void scan(uint32_t pc, function_facts &f);
    void note_jump(uint32_t from, uint32_t to);
    [[nodiscard]] bool is_own_access(const isa::instruction &i, function_facts &f) const noexcept;
    void find_rare_jumps();
    [[nodiscard]] bool repeats_loop(uint32_t from) const noexcept;
    void find_live(uint32_t index);
    [[nodiscard]] live_set live_after(const basic_block &b, const vm::function &f) const;
    void assume_all_live(uint32_t index);
    [[nodiscard]] live_set live_before(const basic_block &block, live_set live);
    void step_back(uint32_t pc, live_set &live);
    void step_back_over_control(uint32_t pc, live_set &live);
    [[nodiscard]] reg_set arguments_of(const isa::instruction &call) const noexcept;
    void read_frame(uint32_t pc, live_set &live) const noexcept;
    void write_frame(uint32_t pc, live_set &live) const noexcept;

    const compat::build_input *input_ = nullptr;
    bool keeps_frames_ = false;
    std::vector<function_facts> functions_;
    std::vector<uint8_t> at_;            ///< by pc
    std::vector<back_edge> back_edges_;  ///< of the function, by `from`
    std::vector<uint32_t> open_loops_;   ///< while they are looked at: where they begin
    std::vector<live_set> live_in_;      ///< by block of the function
};

}  // namespace bpftime::vm::ubpf
