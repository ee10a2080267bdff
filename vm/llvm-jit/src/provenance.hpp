// bpftime-vm: where the values of a program's registers come from, and which of them are addresses
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/config.hpp"
#include "program/access.hpp"
#include "program/program.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace bpftime::vm::llvm_jit {

/// A set of registers: bit n is rn.
using reg_set = uint32_t;

[[nodiscard]] constexpr reg_set reg_bit(unsigned reg) noexcept { return 1U << reg; }
[[nodiscard]] constexpr bool has(reg_set set, unsigned reg) noexcept {
    return (set >> reg & 1U) != 0;
}

/// r1 to r5, what a call takes.
inline constexpr reg_set argument_regs = 0b11'1110;
/// r0 to r5, what a call changes.
inline constexpr reg_set call_clobbers = 0b11'1111;

/// Registers that an instruction reads and writes.
struct reg_use {
    reg_set reads = 0;
    reg_set writes = 0;
};

/// What a value is. `map`, `value` and `frame` are proofs; the others are guesses about how to
/// represent a word, and a wrong guess costs time, never correctness.
enum class origin_kind : uint8_t {
    nothing,  ///< no value reaches here
    integer,  ///< a result of arithmetic, a narrow load
    opaque,   ///< a 64-bit word from elsewhere: may be an address
    pointer,  ///< derived from an address by adding integers
    map,      ///< the map that an lddw names
    value,    ///< what a lookup in that map gave, which may be 0, plus `offset`
    frame,    ///< r10 of this function plus an offset
};

struct origin {
    origin_kind kind = origin_kind::nothing;
    /// frame: whether the offset is `offset`, else it is not known.
    bool exact = false;
    int32_t offset = 0;
    uint32_t map = 0;  ///< map, value: which of linkage::maps()

    friend constexpr bool operator==(const origin &, const origin &) = default;
    [[nodiscard]] constexpr bool is_frame() const noexcept { return kind == origin_kind::frame; }
};

/// `to` after a path with `from` joins it.
[[nodiscard]] origin merge(const origin &to, const origin &from);

/// By register, r10 included.
using origins = std::array<origin, isa::register_count>;

struct block_facts {
    origins at_entry;
    reg_set live = 0;       ///< registers that are read before they are written, from the block on
    reg_set addresses = 0;  ///< of those, what a memory access may be based on
};

struct function_facts {
    reg_set arguments = 0;  ///< of r1 to r5, what the function may read
    reg_set addresses = 0;  ///< of those, what a memory access may be based on
    /// The frame's address becomes an integer, an argument or memory: the frame must be where the
    /// memory map says that it is.
    bool frame_escapes = false;
    /// The function may reach frames of its callers by arithmetic on its own frame's address.
    bool leaves_frame = false;
    bool calls_back = false;    ///< it calls a helper that calls functions of the program
    bool calls_values = false;  ///< so, or it has a callx
    /// Some function's frame escapes, or one that this function (indirectly) calls leaves its own.
    bool frame_in_memory = false;
};

/// The facts of a program, computed once in time linear in its size for code as compilers make it.
class provenance {
public:
    static constexpr int64_t most_reach = int64_t{1} << 30;
    static constexpr int64_t short_reach = int64_t{1} << 15;

    /// `reach`: offsets of less are known. They become constants of the code. `probes_maps`: code
    /// does what ebpf_map_shape.probe says.
    provenance(const program &p, const compat::linkage &linked, uint32_t frame_size,
               int64_t reach = most_reach, bool probes_maps = true);

    [[nodiscard]] const block_facts &of_block(uint32_t index) const noexcept {
        return blocks_[index];
    }
    [[nodiscard]] const function_facts &of_function(uint32_t index) const noexcept {
        return functions_[index];
    }
    /// Whether the result of the instruction at `pc` is wanted as an address.
    [[nodiscard]] bool result_is_address(uint32_t pc) const noexcept { return is_address_[pc]; }
    /// add: whether the source register, not the destination, is the address.
    [[nodiscard]] bool base_is_source(uint32_t pc) const noexcept { return base_is_source_[pc]; }

    [[nodiscard]] reg_use use_of(uint32_t pc) const;
    /// Whether the call at `pc` finds a value of a map by a key in the own stack frame, where code
    /// needs no help for it.
    [[nodiscard]] bool is_own_lookup(uint32_t pc, const origins &before) const;
    /// Whether addresses of the map's values are used for accesses inside of them alone, so that
    /// the memory map need not know of them.
    [[nodiscard]] bool values_stay_known(uint32_t map) const noexcept {
        return not value_escapes_[map];
    }
    /// Whether the access at `pc` with this base is inside the map's value, if there is one, and
    /// allowed.
    [[nodiscard]] bool is_in_value(uint32_t pc, const origin &base) const;
    /// Whether an address of so many bytes is one in the own frame.
    [[nodiscard]] bool is_in_frame(const origin &at, uint64_t size) const noexcept {
        return at.is_frame() and at.exact and at.offset >= -frame_size_ and
               static_cast<int64_t>(at.offset) + static_cast<int64_t>(size) <= 0;
    }
    /// What the registers hold after the instruction at `pc`.
    [[nodiscard]] origins step(uint32_t pc, const origins &before) const;

private:
    void find_all_liveness();
    void find_liveness(uint32_t function);
    void find_origins(uint32_t function);
    void find_addresses(uint32_t function);
    void find_value_escapes(uint32_t function);
    void find_escapes(uint32_t function);
    void place_frames();
    [[nodiscard]] origin result_of(uint32_t pc, const origins &before) const;
    [[nodiscard]] bool calls_back(uint32_t pc) const;
    bool join(block_facts &to, const origins &from, function_facts &f);
    void note_value_uses(uint32_t pc, const origins &before);
    void note_uses(uint32_t pc, const origins &before, function_facts &f) const;

    const program &p_;
    const compat::linkage &linked_;
    int64_t frame_size_;
    int64_t reach_;
    bool probes_maps_;
    std::vector<block_facts> blocks_;
    std::vector<function_facts> functions_;
    std::vector<bool> value_escapes_;  ///< by map
    std::vector<bool> is_address_;
    std::vector<bool> base_is_source_;
};

}  // namespace bpftime::vm::llvm_jit
