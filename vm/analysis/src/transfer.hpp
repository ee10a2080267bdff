// bpftime-vm: what executing an instruction makes of what is known
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "needs.hpp"
#include "relations.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace bpftime::vm::analysis {

/// Bytes of a frame, from its top on: [begin, end), both below it. None if they are equal.
struct frame_range {
    int64_t begin = 0;
    int64_t end = 0;

    friend bool operator==(const frame_range &, const frame_range &) = default;
    [[nodiscard]] bool is_empty() const noexcept { return begin >= end; }
};

/// What a call of a function can do to its caller. Grows while the analysis goes on.
struct function_summary {
    bool returns = false;
    uint32_t changes = 0;        ///< of the result
    value result;                ///< frames as the function itself counts them
    frame_range written;         ///< in its caller's frame
    bool writes_frames = false;  ///< in the frames of all callers, anywhere
    bool takes_away = false;     ///< memory that helpers gave
    bool moves_packet = false;

    friend bool operator==(const function_summary &, const function_summary &) = default;
};

/// What the analysis of a whole program finds out beside states.
struct findings {
    explicit findings(std::size_t function_count) : functions(function_count) {}

    std::vector<function_summary> functions;
    /// Functions that are called with any arguments, as values or by the host.
    std::vector<uint32_t> called_by_value;
    bool anything_called_by_value = false;  ///< all of them
};

/// Gets what is found of single instructions.
class recorder {
public:
    virtual ~recorder() = default;
    virtual void access(uint32_t pc, const access_facts &a) = 0;
    virtual void proven_arguments(uint32_t pc, uint8_t arguments) = 0;
};

/// The names of words that an instruction gives, and of those that places have where a block
/// begins.
[[nodiscard]] constexpr value_number result_number(uint32_t pc) noexcept { return pc << 8 | 0xff; }
inline constexpr uint32_t most_named_places = 0xf0;
[[nodiscard]] constexpr value_number place_number(uint32_t pc, uint32_t place) noexcept {
    return place < most_named_places ? pc << 8 | (place + 1) : 0;
}
/// The instruction or block that a number comes from.
[[nodiscard]] constexpr uint32_t origin_of(value_number n) noexcept { return n >> 8; }
/// What the fields of a packet hold has names of its own, the same wherever it is loaded.
inline constexpr value_number first_field_number = 0xffff'ff00;
[[nodiscard]] constexpr bool is_field_number(value_number n) noexcept {
    return n >= first_field_number;
}

/// Slots that are kept: those of frames as compilers use them.
inline constexpr uint32_t most_slots = 128;

/// Executes instructions of one program on states.
class transfer {
public:
    /// `frames_escape`: whether any frame's address may be known to a guess.
    transfer(const program &p, const environment &world, const needs &needed, bool frames_escape,
             findings &found);

    /// What the entry function begins with.
    [[nodiscard]] state entry_state() const;
    /// The same of function `f` when anybody calls it.
    [[nodiscard]] state any_entry_state(uint32_t f) const;
    /// What is known at the block that begins at `pc` when nothing is.
    [[nodiscard]] state any_state(uint32_t pc) const;

    /// Executes the instruction at `pc` of function `f`, which is no jump. False: control does not
    /// go on behind it.
    [[nodiscard]] bool step(uint32_t pc, uint32_t f, state &s);
    /// What is known when the conditional branch at `pc` is taken or not. False: that cannot be.
    [[nodiscard]] bool follow(uint32_t pc, bool taken, state &s);
    /// What the callee of the call_local at `pc` begins with.
    [[nodiscard]] state callee_state(uint32_t pc, const state &caller) const;

    /// Function `f` returns this.
    void note_return(uint32_t f, const value &result);

    void set_recorder(recorder *to) noexcept { recorder_ = to; }
    /// Calls are assumed to do anything.
    void distrust_calls() noexcept { distrusts_calls_ = true; }

private:
    /// An access, or the memory of a helper's argument.
    struct place {
        const value &base;
        int64_t offset;  ///< from the base on
        uint64_t size;
        permission wanted;
        wide least;  ///< of the first byte's offset from where the base's memory starts
        wide most;

        [[nodiscard]] bool is_exact() const noexcept { return least == most; }
    };

    void execute_alu(uint32_t pc, state &s);
    void execute_convert(uint32_t pc, state &s);
    void execute_load(uint32_t pc, state &s);
    void execute_store(uint32_t pc, uint32_t f, state &s);
    void execute_atomic(uint32_t pc, uint32_t f, state &s);
    void execute_wide(uint32_t pc, state &s);
    void execute_packet_load(uint32_t pc, uint32_t f, state &s);
    [[nodiscard]] bool execute_call(uint32_t pc, uint32_t f, state &s);
    [[nodiscard]] bool call_helper(uint32_t pc, uint32_t f, state &s);
    [[nodiscard]] bool call_local(uint32_t pc, uint32_t f, state &s);
    void call_anything(uint32_t pc, uint32_t f, state &s, const value &target);

    // --- arithmetic
    [[nodiscard]] value alu(uint32_t pc, const state &s, isa::operation op, isa::width w,
                            const value &dst, const value &src);
    [[nodiscard]] value alu64(uint32_t pc, const state &s, isa::operation op, const value &dst,
                              const value &src);
    [[nodiscard]] value add(uint32_t pc, const state &s, const value &a, const value &b);
    [[nodiscard]] value subtract(uint32_t pc, const state &s, const value &a, const value &b);
    [[nodiscard]] value difference(uint32_t pc, const state &s, const value &a,
                                   const value &b) const;
    [[nodiscard]] value length_left(uint32_t pc, const state &s, const value &end, const value &at,
                                    length_kind length) const;
    [[nodiscard]] value pointer_plus(uint32_t pc, const state &s, const value &p,
                                     const value &n) const;
    [[nodiscard]] static value moved(const value &v, int64_t by);
    [[nodiscard]] value scalar(uint32_t pc, const number &n) const;
    [[nodiscard]] value unknown(uint32_t pc) const;

    // --- memory
    [[nodiscard]] place place_of(const value &base, int64_t offset, uint64_t size,
                                 permission wanted) const;
    [[nodiscard]] access_facts judge(const place &at, const state &s) const;
    /// The place of an access, judged and recorded. What it says of the register becomes known.
    [[nodiscard]] access_facts access(uint32_t pc, const place &at, const state &s);
    [[nodiscard]] bool is_inside(const place &at, const state &s) const;
    [[nodiscard]] bool is_outside(const place &at) const;
    [[nodiscard]] bool is_aligned(const place &at) const;
    [[nodiscard]] wide_value memory_of(const value &base) const;
    void note_checked(const access_facts &a, const place &at, state &s) const;
    [[nodiscard]] value loaded(uint32_t pc, const access_facts &a, const place &at, bool is_signed,
                               state &s);
    [[nodiscard]] std::optional<value> packet_field_at(const access_facts &a,
                                                       const place &at) const;
    void store(uint32_t f, const access_facts &a, const place &at, const value *what, bool forgets,
               state &s);
    static void write_frame(const frame_range &bytes, state &s);
    void write_anywhere(uint32_t f, state &s);

    // --- helpers
    void prove_arguments(uint32_t pc, const helper_declaration &d, const state &s);
    [[nodiscard]] std::optional<place> argument_place(const helper_declaration &d, unsigned i,
                                                      const state &s) const;
    [[nodiscard]] static bool may_write_elsewhere(const helper_declaration &d,
                                                  const state &s) noexcept;
    void apply_writes(uint32_t f, const helper_declaration &d, state &s);
    [[nodiscard]] value result_of(uint32_t pc, const helper_declaration &d, const state &s) const;
    void note_function(const value &handle);
    void take_away(uint32_t f, state &s);
    void move_packet(uint32_t f, state &s);
    void finish_call(const value &result, state &s) const;

    const program &code_;
    const environment &world_;
    const needs &needs_;
    bool frames_escape_;
    bool distrusts_calls_ = false;
    bool has_packet_;
    int64_t frame_size_;
    input_facts input_;
    findings &found_;
    recorder *recorder_ = nullptr;
    std::vector<wide_value> memories_;  ///< by index
};

}  // namespace bpftime::vm::analysis
