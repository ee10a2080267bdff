// bpftime-vm: what is proven of a program before it runs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "analysis/environment.hpp"
#include "analysis/value.hpp"
#include "isa/isa.hpp"
#include "program/program.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::analysis {

/// How much work to do.
enum class effort : uint8_t {
    quick,  ///< one pass in program order: nothing is known where loops begin
    full,   ///< until nothing changes, within a number of steps that the program's size limits
};

/// What is known of the check of one access.
enum class verdict : uint8_t {
    unreachable,  ///< the instruction is never executed, or is no access
    check,        ///< nothing is proven
    covered,      ///< an earlier check of the same address on every path here passed, for at least
                  ///< these bytes and this permission, and its memory is still there
    proven,       ///< the memory is there, and the access is allowed
    faults,       ///< it touches what the program is not given, whenever it is executed. Engines
                  ///< check all the same: the environment does not know all memory
};

/// One access: a load, a store, or an atomic operation, which reads and writes.
struct access_facts {
    verdict what = verdict::unreachable;
    /// What the address is an address of; scalar and unknown: nobody knows. For verdicts other than
    /// proven a guess which memory to look at first.
    value_kind region = value_kind::unknown;
    /// Whether the address is a multiple of the size, where the check does not fail.
    bool is_aligned = false;
    bool is_non_null = false;
    uint32_t index = 0;  ///< as in value
    /// Where the first byte is, from what `region` names on: at least and at most. Both are the
    /// extremes of their type if nothing is known.
    int64_t least_offset = std::numeric_limits<int64_t>::min();
    int64_t most_offset = std::numeric_limits<int64_t>::max();
    /// The address is the word of this number and a constant: accesses with the same number are as
    /// far from each other as their distances say, on every path from one to the other that does
    /// not come by where the number is from (result or begin of a block) once more. 0: none.
    value_number base = 0;
    int64_t distance = 0;

    friend constexpr bool operator==(const access_facts &, const access_facts &) = default;
};

enum class branch_facts : uint8_t {
    unreachable,  ///< never executed, or no branch
    both,         ///< may be taken or not
    always,       ///< taken whenever it is executed
    never,
};

/// Eight bytes of the running function's frame.
struct stack_slot {
    uint32_t index = 0;  ///< it is at r10 - 8 * (index + 1)
    value what;

    friend bool operator==(const stack_slot &, const stack_slot &) = default;
};

/// What is known before an instruction is executed.
struct state {
    std::array<value, isa::register_count> registers;
    std::vector<stack_slot> slots;  ///< those of which something is known, by index
    /// What lengths are at least, by length_kind.
    std::array<uint64_t, 4> least_lengths{};

    friend bool operator==(const state &, const state &) = default;
};

struct facts_summary {
    uint32_t accesses = 0;  ///< that can be reached
    uint32_t proven = 0;
    uint32_t covered = 0;
    uint32_t checked = 0;
    uint32_t faults = 0;
};

/// Facts about all executions of a program in an environment, with checks of memory on. Immutable.
class facts {
public:
    /// Program and environment must outlive what this gives if before() is called.
    [[nodiscard]] static facts analyse(const program &p, const environment &world,
                                       effort how = effort::full);
    facts(facts &&) noexcept;
    facts &operator=(facts &&) noexcept;
    ~facts();

    /// The access of the instruction at `pc`. Loads, stores and atomics have one.
    [[nodiscard]] const access_facts &access(uint32_t pc) const noexcept { return accesses_[pc]; }
    /// The conditional branch at `pc` (not may_goto, gotox).
    [[nodiscard]] branch_facts branch(uint32_t pc) const noexcept { return branches_[pc]; }
    /// Which arguments of the helper call at `pc` need no check: bit n is argument n, from 0 on.
    /// Set only where the declaration asks for a check.
    [[nodiscard]] uint8_t proven_arguments(uint32_t pc) const noexcept;
    /// Whether the block, an index into program::blocks(), can be executed.
    [[nodiscard]] bool is_reachable(uint32_t block) const noexcept { return reachable_[block]; }

    /// How often the jump backwards at `pc` is taken each time that its loop is entered, at most;
    /// nothing: not known. It is charged all the same: budgets are never from facts.
    [[nodiscard]] std::optional<uint64_t> trip_bound(uint32_t pc) const noexcept;

    /// Whether facts are true only of runs whose frames are hidden (stack_layout::hide_frames()):
    /// no access but those by r10 finds one, whatever its address. So it is for programs that use
    /// r10 for nothing else.
    [[nodiscard]] bool rely_on_hidden_frames() const noexcept { return rely_on_hidden_frames_; }

    /// Whether the analysis ended within its steps. If not, nothing is proven of the functions that
    /// were not settled.
    [[nodiscard]] bool is_complete() const noexcept { return complete_; }

    [[nodiscard]] facts_summary summary() const noexcept;

    /// What is known before the instruction at `pc`; nothing if it cannot be reached. Takes time in
    /// the length of the path from where paths last met. One thread at a time may ask.
    [[nodiscard]] std::optional<state> before(uint32_t pc) const;

    /// One line on the access or branch at `pc`: "proven: input + 0..63"; empty if it has none.
    [[nodiscard]] std::string explain(uint32_t pc) const;

private:
    friend class facts_writer;
    facts();

    struct kept;
    std::vector<access_facts> accesses_;
    std::vector<branch_facts> branches_;
    std::vector<bool> reachable_;
    std::vector<std::pair<uint32_t, uint8_t>> proven_arguments_;  ///< by pc
    std::vector<std::pair<uint32_t, uint64_t>> trip_bounds_;      ///< by pc
    bool rely_on_hidden_frames_ = false;
    bool complete_ = false;
    std::unique_ptr<kept> kept_;
};

/// What the regions that values are about are in one run, for checking facts.
struct concretisation {
    uint64_t input = 0;
    uint64_t input_length = 0;
    uint64_t packet_meta = 0;
    uint64_t packet = 0;
    uint64_t packet_end = 0;
    /// r10 of the live frames; the last one is the running function's.
    std::span<const uint64_t> frame_tops;
    /// The word of a map; where values of a map start; where memory starts; where starts what the
    /// helper called at a pc has given. What is not set is not checked.
    std::function<uint64_t(uint32_t map)> map_word{};
    std::function<std::span<const uint64_t>(uint32_t map)> map_values{};
    std::function<uint64_t(uint32_t index)> memory_start{};
    std::function<std::span<const uint64_t>(uint32_t pc)> granted{};
};

/// Whether `word` is one that `v` allows. Says nothing of numbers and gaps, which are about several
/// words.
[[nodiscard]] bool holds(const value &v, uint64_t word, const concretisation &world);

/// Whether what `s` says is true of these registers and of the frame's words: of all values, and of
/// what they say of each other. `slot(index)` gives the word of a slot of the running frame.
[[nodiscard]] bool holds(const state &s, std::span<const uint64_t, isa::register_count> registers,
                         const std::function<uint64_t(uint32_t index)> &slot,
                         const concretisation &world);

/// "r1: input + 0, 14 bytes left\nr3: 0..63\n[r10 - 8]: ...\n", what is not known left out.
[[nodiscard]] std::string to_text(const state &s);
/// One line per access and branch with its pc and instruction, for golden files.
[[nodiscard]] std::string to_text(const facts &f, const program &p);
[[nodiscard]] std::string_view name_of(verdict v) noexcept;

}  // namespace bpftime::vm::analysis
