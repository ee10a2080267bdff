// bpftime-vm: tests that what follows from a state is true wherever the state is
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Random programs seldom come to states that say much. Here states are made up: of words, and of
// claims that are true of them. Of two states that meet, one may be true of nothing: programs have
// paths that no run goes, and what they bring must not make the other one wrong.
#include "concrete.hpp"
#include "isa/text.hpp"
#include "join.hpp"
#include "number.hpp"
#include "transfer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <ranges>
#include <string>
#include <vector>

namespace bpftime::vm::analysis::test {
namespace {

using isa::insn_id;
using isa::instruction;
using isa::operation_kind;

constexpr unsigned register_count = isa::frame_pointer;  // r10 is what it is
constexpr unsigned slot_count = 3;
/// Registers, then slots.
constexpr unsigned place_count = register_count + slot_count;

/// What is the same of a place on all paths: most often what is known, and the name.
struct place_plan {
    value_kind kind;
    bool nullable;
    value_number id;
    int64_t delta;
};
using plan = std::array<place_plan, place_count>;

struct memory_places {
    uint64_t input;
    uint64_t input_length;
    uint64_t memory;
    uint64_t frame_top;
    uint64_t packet_meta;
    uint64_t packet;
    uint64_t packet_end;
    uint64_t map_value;
    uint64_t granted;

    [[nodiscard]] uint64_t length(length_kind kind) const {
        return kind == length_kind::input    ? input_length
               : kind == length_kind::packet ? packet_end - packet
                                             : packet - packet_meta;
    }
};

constexpr auto length_kinds =
    std::to_array({length_kind::input, length_kind::packet, length_kind::meta});

/// Bytes that one check may find.
struct block {
    uint64_t begin;
    uint64_t end;
};

/// A state, and words that it is true of, if it is of any.
struct moment {
    memory_places where;
    std::array<uint64_t, isa::register_count> words{};
    std::array<uint64_t, slot_count> slots{};
    state known{};

    [[nodiscard]] uint64_t &word(unsigned place) {
        return place < register_count ? words[place] : slots[place - register_count];
    }
    [[nodiscard]] uint64_t word(unsigned place) const {
        return place < register_count ? words[place] : slots[place - register_count];
    }
    [[nodiscard]] std::array<block, 3> blocks() const {
        return {{{where.input, where.input + where.input_length},
                 {where.memory, where.memory + memory_bytes},
                 {where.packet_meta, where.packet_end}}};
    }

    [[nodiscard]] bool is_true_of(const state &s) const {
        const concretisation world{
            .input = where.input,
            .input_length = where.input_length,
            .packet_meta = where.packet_meta,
            .packet = where.packet,
            .packet_end = where.packet_end,
            .frame_tops = std::span{&where.frame_top, 1},
            .map_values = [&](uint32_t) { return std::span{&where.map_value, 1}; },
            .memory_start = [&](uint32_t) { return where.memory; },
            .granted = [&](uint32_t) { return std::span{&where.granted, 1}; }};
        return holds(
                   s, std::span<const uint64_t, isa::register_count>{words},
                   [&](uint32_t index) { return slots[index]; }, world) and
               std::ranges::all_of(
                   std::views::iota(0U, register_count),
                   [&](unsigned r) { return is_covered(s.registers[r], words[r]); }) and
               std::ranges::all_of(s.slots, [&](const stack_slot &slot) {
                   return is_covered(slot.what, slots[slot.index]);
               });
    }
    /// Whether what is said to be checked is in one piece of memory.
    [[nodiscard]] bool is_covered(const value &v, uint64_t word) const {
        if (v.cover.allowed == permission::none) return true;
        const uint64_t begin = word + static_cast<uint64_t>(int64_t{v.cover.begin});
        const uint64_t end = word + static_cast<uint64_t>(int64_t{v.cover.end});
        return std::ranges::any_of(blocks(), [&](const block &b) {
            return b.begin <= begin and begin <= end and end <= b.end;
        });
    }
    [[nodiscard]] std::string text(const state &s) const {
        std::string out = "input, packet, metadata of";
        for (const length_kind kind : length_kinds) out += " " + std::to_string(where.length(kind));
        out += "\n";
        for (unsigned r = 0; r < register_count; ++r)
            out += "r" + std::to_string(r) + " = " + std::to_string(words[r]) + "\n";
        return out + to_text(s);
    }
};

class maker {
public:
    explicit maker(uint64_t seed) : random_{seed} {}

    uint64_t roll(uint64_t sides) { return random_() % sides; }
    template <typename T>
    T pick(std::initializer_list<T> choices) {
        return choices.begin()[roll(choices.size())];
    }

    plan any_plan() {
        plan out{};
        std::map<value_number, place_plan> named;
        for (place_plan &p : out) {
            p.kind =
                pick({value_kind::unknown, value_kind::scalar, value_kind::scalar,
                      value_kind::scalar, value_kind::scalar, value_kind::scalar, value_kind::input,
                      value_kind::input, value_kind::input, value_kind::packet, value_kind::packet,
                      value_kind::packet_end, value_kind::packet_meta, value_kind::memory,
                      value_kind::frame, value_kind::map_value, value_kind::granted});
            p.nullable = is_pointer(p.kind) and roll(6) == 0;
            if (roll(3) == 0) continue;
            const auto origin = static_cast<uint32_t>(roll(2) == 0 ? 5 : 1 + roll(6));
            p.id = roll(8) == 0 ? first_field_number + static_cast<uint32_t>(roll(3))
                                : place_number(origin, static_cast<uint32_t>(roll(3)));
            p.delta = static_cast<int64_t>(roll(20)) - 4;
            // What is one word is one thing.
            const place_plan &first = named.try_emplace(p.id, p).first->second;
            p.kind = first.kind;
            p.nullable = first.nullable;
        }
        return out;
    }

    /// `is_true`: whether the claims are true of the words.
    moment make(const plan &planned, bool is_true) {
        moment m{.where = {.input = 0x10'0000 + 8 * roll(100),
                           .input_length = roll(5) == 0 ? most_bytes - roll(3) : roll(80),
                           .memory = 0x20'0000,
                           .frame_top = 0x700'0000,
                           .packet_meta = 0x30'0000,
                           .packet = 0x30'0000 + roll(20),
                           .packet_end = 0x30'0020 + roll(60),
                           .map_value = 0x40'0000,
                           .granted = 0x50'0000}};
        place_words(m, planned, is_true);
        for (unsigned p = 0; p < place_count; ++p) relate(m, p, is_true);
        for (const length_kind kind : length_kinds) {
            const uint64_t length = m.where.length(kind);
            m.known.least_lengths[static_cast<std::size_t>(kind)] =
                is_true ? length - std::min(length, roll(30)) : roll(100);
        }
        // Of some slots nothing is known.
        std::erase_if(m.known.slots, [&](const stack_slot &) { return roll(4) == 0; });
        return m;
    }

private:
    uint64_t any_word() {
        switch (roll(12)) {
        case 0: return random_();
        case 1: return 0 - roll(20);
        case 2: return (uint64_t{1} << roll(64)) + roll(9) - 4;
        case 3: return roll(5000);
        default: return roll(70);
        }
    }

    /// A set with the word.
    number around(uint64_t word) {
        number n;
        if (roll(4) == 0) return number::constant(word);
        n.bits.unknown = roll(2) == 0 ? ~uint64_t{0} << roll(5) : random_() | random_();
        n.bits.value = word & ~n.bits.unknown;
        const auto room = [&] { return roll(pick<uint64_t>({4, 100, 1U << 20})); };
        number other = range_of(word - std::min(word, room()), word + std::min(~word, room()));
        if (roll(2) == 0) static_cast<void>(intersect(n, other));
        const auto s = static_cast<int64_t>(word);
        const auto by = static_cast<int64_t>(room());
        if (s < INT64_MIN + by or s > INT64_MAX - by) return n;
        other = signed_range_of(s - by, s + by);
        if (roll(2) == 0) static_cast<void>(intersect(n, other));
        return n;
    }

    static uint64_t start_of(const memory_places &where, value_kind kind) {
        switch (kind) {
        case value_kind::input: return where.input;
        case value_kind::memory: return where.memory;
        case value_kind::frame: return where.frame_top;
        case value_kind::packet: return where.packet;
        case value_kind::packet_end: return where.packet_end;
        case value_kind::packet_meta: return where.packet_meta;
        case value_kind::map_value: return where.map_value;
        case value_kind::granted: return where.granted;
        default: return 0;
        }
    }
    static value &what_at(moment &m, unsigned place) {
        return place < register_count ? m.known.registers[place]
                                      : m.known.slots[place - register_count].what;
    }
    static const value &what_at(const moment &m, unsigned place) {
        return place < register_count ? m.known.registers[place]
                                      : m.known.slots[place - register_count].what;
    }
    /// n of the bound, as the words have it.
    static wide number_at(const moment &m, unsigned at) {
        const value &v = what_at(m, at);
        const uint64_t n = m.word(at) - start_of(m.where, v.kind);
        return v.is_pointer() ? wide{static_cast<int64_t>(n)} : wide{n};
    }

    void place_words(moment &m, const plan &planned, bool is_true) {
        std::map<value_number, uint64_t> named;
        for (uint32_t index = 0; index < slot_count; ++index) m.known.slots.push_back({index, {}});
        for (unsigned at = 0; at < place_count; ++at) {
            const place_plan &p = planned[at];
            value &v = what_at(m, at);
            v.kind = p.kind;
            v.nullable = p.nullable;
            if (p.id == 0 and roll(8) == 0) v = value::constant(0);
            const uint64_t start = start_of(m.where, v.kind);
            uint64_t word = start + (v.is_pointer() and roll(3) != 0 ? roll(60) : any_word());
            // Near the end of the input, where what is said of it is said often.
            if (v.kind != value_kind::unknown and roll(4) == 0)
                word = start + m.where.input_length - roll(4);
            if (v.nullable and roll(3) == 0) word = 0;
            if (p.id != 0) {
                v.id = p.id;
                v.delta = roll(5) != 0 ? p.delta : static_cast<int64_t>(roll(30)) - 10;
                if (v.nullable) v.delta = 0;
                const auto by = static_cast<uint64_t>(v.delta);
                word = named.try_emplace(p.id, word - by).first->second + by;
            }
            m.word(at) = word;
            cover_some(m, v, word, is_true);
            if (v.kind == value_kind::unknown) continue;
            v.offset = around(is_true or roll(2) == 0 ? word - start : any_word());
        }
        m.known.registers[isa::frame_pointer].kind = value_kind::frame;
        m.known.registers[isa::frame_pointer].offset = number::constant(0);
        m.words[isa::frame_pointer] = m.where.frame_top;
    }

    /// Bytes around an address that were checked.
    void cover_some(const moment &m, value &v, uint64_t word, bool is_true) {
        if (roll(3) != 0) return;
        v.cover = {static_cast<int32_t>(roll(20)) - 10, static_cast<int32_t>(roll(20)),
                   pick({permission::read, permission::write, permission::read_write}),
                   roll(2) == 0};
        if (v.cover.begin >= v.cover.end) v.cover = {};
        if (is_true and not m.is_covered(v, word)) v.cover = {};
    }

    /// What a place says of the length and of other places. If it may be null, it is not.
    void relate(moment &m, unsigned at, bool is_true) {
        value &v = what_at(m, at);
        if (v.kind == value_kind::unknown or (v.nullable and m.word(at) == 0)) return;
        const wide n = number_at(m, at);
        const auto claimed = [&](wide truth) {
            return is_true or roll(2) == 0 ? truth
                   : roll(2) == 0          ? wide{static_cast<int64_t>(roll(4))}
                                           : wide{static_cast<int64_t>(roll(60)) - 20};
        };
        constexpr wide most = 1 << 30;
        if (roll(2) == 0) {
            const bool exact = roll(3) == 0;
            const uint32_t scale = exact ? 1 : pick({1U, 1U, 2U, 3U, 4U, 8U});
            const length_kind own = length_of(v.kind);
            const length_kind kind =
                own != length_kind::none and roll(8) != 0 ? own : length_kinds[roll(3)];
            const wide left = wide{m.where.length(kind)} - n * scale;
            const wide slack =
                claimed(exact or roll(2) == 0 ? left : left - static_cast<int64_t>(roll(30)));
            if (slack >= -most and slack <= most)
                v.limit = {kind, exact, scale, static_cast<int32_t>(slack)};
        }
        const auto other = static_cast<unsigned>(roll(place_count));
        const value &of = what_at(m, other);
        if (other == at or of.id == 0 or of.nullable or v.nullable) return;
        if (is_comparable(of, v) and roll(2) == 0) {
            const wide left = number_at(m, other) - n;
            const wide distance =
                claimed(roll(2) == 0 ? left : left - static_cast<int64_t>(roll(20)));
            if (distance >= -most and distance <= most)
                v.gap = {of.id, static_cast<int32_t>(distance), of.delta};
        }
        if (of.is_scalar() and roll(2) == 0) {
            const uint32_t scale = pick({1U, 1U, 2U, 4U, 8U, 136U});
            const uint64_t named = m.word(other) - static_cast<uint64_t>(of.delta);
            const uint64_t addend = m.word(at) - start_of(m.where, v.kind) - named * scale;
            v.link = {of.id, scale,
                      is_true or roll(2) == 0 ? static_cast<int64_t>(addend)
                                              : static_cast<int64_t>(roll(40))};
        }
    }

    std::mt19937_64 random_;
};

/// A program of one instruction, of whose registers all are looked at behind it.
class one_instruction {
public:
    explicit one_instruction(const instruction &i) : code_{load(i)} {}

    [[nodiscard]] bool loads() const { return code_.has_value(); }
    [[nodiscard]] const instruction &insn() const { return code_->insn(0); }

    void step(state &s) {
        transfer t{*code_, world_, needed(), true, found_};
        ASSERT_TRUE(t.step(0, 0, s));
    }
    [[nodiscard]] bool follow(bool taken, state &s) {
        transfer t{*code_, world_, needed(), true, found_};
        return t.follow(0, taken, s);
    }

private:
    static result<program> load(const instruction &i) {
        std::vector<instruction> all{i, {.id = insn_id::mov64_imm}};
        for (uint8_t r = 0; r < register_count; ++r)
            all.push_back({.id = insn_id::jeq64_imm, .dst = r, .imm = 77});
        all.push_back({.id = insn_id::exit_});
        std::vector<uint8_t> code;
        for (const instruction &one : all) {
            std::array<uint8_t, isa::slot_size> slot{};
            isa::write_slot(isa::encode(one), slot);
            code.insert(code.end(), slot.begin(), slot.end());
        }
        return program::load(code);
    }
    const needs &needed() {
        if (not needs_) needs_.emplace(*code_, true);
        return *needs_;
    }

    result<program> code_;
    test_world world_;
    std::optional<needs> needs_;
    findings found_{1};
};

/// Some instruction of one of the kinds.
instruction any_of(maker &random, std::initializer_list<operation_kind> kinds) {
    instruction i{};
    isa::operation what{};
    do {
        i.id = static_cast<insn_id>(random.roll(isa::insn_count));
        what = isa::info(i.id).operation;
    } while (std::ranges::find(kinds, isa::kind_of(i.id)) == kinds.end() or
             what == isa::operation::may_goto or what == isa::operation::addr_space_cast);
    const isa::shape_info &form = isa::info(isa::info(i.id).shape);
    i.dst = static_cast<uint8_t>(random.roll(register_count));
    if (form.src != isa::register_role::none)
        i.src = static_cast<uint8_t>(random.roll(isa::register_count));
    if (form.imm == isa::imm_role::value)
        i.imm = random.pick({0, 1, 2, 3, 4, 8, 31, 32, 63, 64, -1, -2, -8, 255, INT32_MAX,
                             INT32_MIN, static_cast<int32_t>(random.roll(80)) - 8});
    if (form.offset == isa::offset_role::jump) i.offset = 1;
    return i;
}

uint64_t source_of(const instruction &i, const moment &m) {
    return isa::info(isa::info(i.id).shape).imm == isa::imm_role::value
               ? static_cast<uint64_t>(int64_t{i.imm})
               : m.words[i.src];
}

/// BPFTIME_VM_ANALYSIS_ROUNDS and BPFTIME_VM_ANALYSIS_SEED make it a campaign.
uint64_t number_of(const char *variable, uint64_t otherwise) {
    const char *const text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}
const uint64_t rounds = number_of("BPFTIME_VM_ANALYSIS_ROUNDS", 20000);
const uint64_t first_seed = number_of("BPFTIME_VM_ANALYSIS_SEED", 0);

TEST(states, stay_true_over_instructions) {
    for (uint64_t seed = first_seed; seed < first_seed + rounds; ++seed) {
        maker random{seed};
        moment m = random.make(random.any_plan(), true);
        ASSERT_TRUE(m.is_true_of(m.known)) << seed;
        one_instruction one{any_of(random, {operation_kind::alu, operation_kind::convert})};
        if (not one.loads()) continue;
        const instruction &i = one.insn();
        const isa::insn_info &row = isa::info(i.id);
        const bool has_source = isa::info(row.shape).src == isa::register_role::read;
        state after = m.known;
        one.step(after);
        const std::string before = m.text(m.known);
        m.words[i.dst] =
            isa::kind_of(i.id) == operation_kind::alu
                ? evaluate(row.operation, row.width, m.words[i.dst], source_of(i, m))
                : converted(row.operation, row.width, m.words[has_source ? i.src : i.dst]);
        ASSERT_TRUE(m.is_true_of(after)) << seed << ": " << isa::to_text(i) << "\n"
                                         << before << "then\n"
                                         << m.text(after);
    }
}

TEST(states, stay_true_where_branches_go) {
    for (uint64_t seed = first_seed; seed < first_seed + rounds; ++seed) {
        maker random{seed};
        const moment m = random.make(random.any_plan(), true);
        one_instruction one{any_of(random, {operation_kind::branch})};
        if (not one.loads()) continue;
        const instruction &i = one.insn();
        const isa::insn_info &row = isa::info(i.id);
        const bool taken = is_taken(row.operation, row.width, m.words[i.dst], source_of(i, m));
        state after = m.known;
        ASSERT_TRUE(one.follow(taken, after) and m.is_true_of(after))
            << seed << ": " << isa::to_text(i) << "\n"
            << m.text(m.known) << "then\n"
            << m.text(after);
    }
}

join_options any_options(maker &random) {
    static constexpr int64_t thresholds[] = {-9, -1, 0, 7, 8, 15, 16, 17, 31, 32, 63, 64, 65};
    // Paths forwards bring no names from where they meet.
    join_options how{.begin = 9, .widens = random.roll(2) == 0};
    if (random.roll(2) == 0) {
        how.renames = true;
        how.begin = static_cast<uint32_t>(random.roll(6));
        how.renamed_from = random.roll(3) == 0 ? 0 : how.begin;
    }
    if (random.roll(2) == 0) how.thresholds = thresholds;
    return how;
}

TEST(states, stay_true_where_paths_meet) {
    for (uint64_t seed = first_seed; seed < first_seed + rounds; ++seed) {
        maker random{seed};
        const plan planned = random.any_plan();
        const uint64_t which = random.roll(3);
        const moment head = random.make(planned, which != 1);
        const moment arriving = random.make(planned, which != 2);
        const join_options how = any_options(random);
        state joined = head.known;
        const bool has_grown = join_into(joined, arriving.known, how);
        for (const moment *m : {&head, &arriving}) {
            if (not m->is_true_of(m->known)) continue;
            ASSERT_TRUE(m->is_true_of(joined)) << seed << ": " << head.text(head.known) << "and\n"
                                               << arriving.text(arriving.known) << "are\n"
                                               << m->text(joined);
            ASSERT_TRUE(has_grown or m->is_true_of(head.known)) << seed;
        }
    }
}

TEST(states, stay_true_where_paths_arrive_first) {
    for (uint64_t seed = first_seed; seed < first_seed + rounds; ++seed) {
        maker random{seed};
        const moment m = random.make(random.any_plan(), true);
        state arrived = m.known;
        arrive(arrived, any_options(random));
        ASSERT_TRUE(m.is_true_of(arrived)) << seed << ": " << m.text(m.known) << "is\n"
                                           << m.text(arrived);
    }
}

}  // namespace
}  // namespace bpftime::vm::analysis::test
