// bpftime-vm: runs programs on words, to compare with what was found of sets of words
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "analysis/facts.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace bpftime::vm::analysis::test {

/// Helpers of the test's world, by id.
enum helper_id : uint32_t {
    lookup = 1,  ///< (map, key): a value or null
    fill = 2,    ///< (memory, size): writes it
    give = 3,    ///< (): a new object, or null
    drop = 4,    ///< (word): the object is gone
    opaque = 5,  ///< undeclared: writes where it can
    resize = 6,  ///< (context, scalar): the packet is another one
    sum = 7,     ///< (memory, size): reads it
    tick = 8,    ///< (): a number
};

/// A world with one map, one memory that lddw names, and either an input memory or a packet.
class test_world : public environment {
public:
    bool has_packet = false;
    bool writes_input = true;
    uint32_t frame_bytes = 64;
    uint64_t least_size = 0;
    /// By pc.
    std::map<uint32_t, wide_value> wides{};

    [[nodiscard]] const helper_declaration *helper(uint32_t id) const noexcept override;
    [[nodiscard]] wide_value wide(uint32_t pc) const noexcept override;
    [[nodiscard]] map_facts map(uint32_t index) const noexcept override;
    [[nodiscard]] uint32_t frame_size() const noexcept override { return frame_bytes; }
    [[nodiscard]] input_facts input() const noexcept override;
    [[nodiscard]] std::span<const packet_field> packet_fields() const noexcept override;
    [[nodiscard]] packet_facts packet() const noexcept override;
    [[nodiscard]] bool moves_packet(uint32_t id) const noexcept override { return id == resize; }
};

inline constexpr uint32_t value_bytes = 16;
inline constexpr uint32_t object_bytes = 24;
inline constexpr uint32_t memory_bytes = 32;
inline constexpr uint32_t key_bytes = 4;

/// What instructions give for words, and whether branches are taken, as isa has it.
[[nodiscard]] uint64_t evaluate(isa::operation op, isa::width w, uint64_t a, uint64_t b);
[[nodiscard]] uint64_t converted(isa::operation op, isa::width w, uint64_t word);
[[nodiscard]] bool is_taken(isa::operation op, isa::width w, uint64_t a, uint64_t b);

/// What stays known of a program, so that it is looked up once.
class known_states {
public:
    known_states(const program &p, const facts &f) : code{p}, found{f}, states_(p.size()) {}
    /// Null: the instruction cannot be reached.
    const state *before(uint32_t pc);

    const program &code;
    const facts &found;

private:
    std::vector<std::optional<std::optional<state>>> states_;
};

/// Counts of what was compared.
struct comparison {
    uint64_t steps = 0;
    uint64_t proven = 0;
    uint64_t covered = 0;
    uint64_t checked = 0;
};

/// Runs `p` once on random input, and compares each step with the facts. The first difference as
/// text; empty if there is none.
[[nodiscard]] std::string compare_run(known_states &known, const test_world &world,
                                      std::mt19937_64 &random, comparison &counts);

}  // namespace bpftime::vm::analysis::test
