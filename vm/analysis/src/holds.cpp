// bpftime-vm: whether facts are true of one moment of one run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "analysis/facts.hpp"
#include "wide.hpp"

#include <algorithm>
#include <vector>

namespace bpftime::vm::analysis {

namespace {

/// A word with what is known of it: n is that of bound.
struct placed {
    const value *what;
    uint64_t word;
    uint64_t n;
};

uint64_t length_of(length_kind kind, const concretisation &world) {
    switch (kind) {
    case length_kind::input: return world.input_length;
    case length_kind::packet: return world.packet_end - world.packet;
    case length_kind::meta: return world.packet - world.packet_meta;
    case length_kind::none: break;
    }
    return 0;
}

/// Where what the value is about starts. Things of its kind may start in several places: where it
/// fits, or nothing if it fits nowhere.
std::optional<uint64_t> start_of(const value &v, uint64_t word, const concretisation &world) {
    const auto one_of = [&](const auto &starts) -> std::optional<uint64_t> {
        if (not starts) return word - v.offset.umin;
        for (const uint64_t start : starts(v.index)) {
            if (v.offset.holds(word - start)) return start;
        }
        return std::nullopt;
    };
    switch (v.kind) {
    case value_kind::input: return world.input;
    case value_kind::packet: return world.packet;
    case value_kind::packet_end: return world.packet_end;
    case value_kind::packet_meta: return world.packet_meta;
    case value_kind::frame:
        if (v.index >= world.frame_tops.size()) return std::nullopt;
        return world.frame_tops[world.frame_tops.size() - 1 - v.index];
    case value_kind::map_value: return one_of(world.map_values);
    case value_kind::granted: return one_of(world.granted);
    case value_kind::memory:
        return world.memory_start ? world.memory_start(v.index) : word - v.offset.umin;
    default: return 0;
    }
}

bool is_within(const bound &b, bool is_pointer, uint64_t n, const concretisation &world) {
    if (b.length == length_kind::none) return true;
    const wide value = is_pointer ? wide{static_cast<int64_t>(n)} : wide{n};
    const wide reached = value * b.scale + b.slack;
    const auto length = wide{length_of(b.length, world)};
    return b.exact ? reached == length : reached <= length;
}

bool is_null(const placed &p) { return p.what->nullable and p.word == 0; }

/// Where numbers are whose words are known, for looking up what others say of them.
const placed *find(std::span<const placed> all, value_number id) {
    const auto found = std::ranges::find_if(all, [&](const placed &p) { return p.what->id == id; });
    return found == all.end() ? nullptr : &*found;
}

/// The same, where the word is of this kind: others have another n.
const placed *find(std::span<const placed> all, value_number id, value_kind kind) {
    const auto found = std::ranges::find_if(all, [&](const placed &p) {
        return p.what->id == id and p.what->kind == kind and not is_null(p);
    });
    return found == all.end() ? nullptr : &*found;
}

/// Whether n of `p` is as far below the other one as its gap says.
bool is_below(const placed &p, const placed &of) {
    const gap &g = p.what->gap;
    const uint64_t by = static_cast<uint64_t>(g.of_delta) - static_cast<uint64_t>(of.what->delta);
    const auto n = [&](uint64_t bits) {
        return p.what->is_pointer() ? wide{static_cast<int64_t>(bits)} : wide{bits};
    };
    return n(p.n) + g.distance <= n(of.n + by);
}

bool agrees(const placed &p, std::span<const placed> all) {
    const value &v = *p.what;
    if (v.id != 0) {
        const placed &first = *find(all, v.id);
        if (p.word - static_cast<uint64_t>(v.delta) !=
            first.word - static_cast<uint64_t>(first.what->delta))
            return false;
    }
    if (is_null(p)) return true;
    if (v.gap.of != 0) {
        const placed *of = find(all, v.gap.of, v.kind);
        if (of != nullptr and not is_below(p, *of)) return false;
    }
    // Values of a map may start in several places: n is not known then.
    const bool has_one_start = v.kind != value_kind::map_value and v.kind != value_kind::granted;
    if (v.link.of != 0 and has_one_start) {
        const placed *of = find(all, v.link.of, value_kind::scalar);
        if (of != nullptr) {
            const uint64_t base = of->word - static_cast<uint64_t>(of->what->delta);
            if (p.n != base * v.link.scale + static_cast<uint64_t>(v.link.addend)) return false;
        }
    }
    return true;
}

}  // namespace

bool holds(const value &v, uint64_t word, const concretisation &world) {
    if (v.kind == value_kind::unknown or (v.nullable and word == 0)) return true;
    if (v.kind == value_kind::map) return not world.map_word or world.map_word(v.index) == word;
    if (v.kind == value_kind::scalar)
        return v.offset.holds(word) and is_within(v.limit, false, word, world);
    const auto start = start_of(v, word, world);
    if (not start) return false;
    const uint64_t offset = word - *start;
    return v.offset.holds(offset) and is_within(v.limit, true, offset, world);
}

bool holds(const state &s, std::span<const uint64_t, isa::register_count> registers,
           const std::function<uint64_t(uint32_t index)> &slot, const concretisation &world) {
    std::vector<placed> all;
    const auto place = [&](const value &v, uint64_t word) {
        const auto start = v.is_pointer() ? start_of(v, word, world) : std::nullopt;
        all.push_back({&v, word, word - start.value_or(0)});
        return holds(v, word, world);
    };
    for (unsigned r = 0; r < isa::register_count; ++r) {
        if (not place(s.registers[r], registers[r])) return false;
    }
    for (const stack_slot &known : s.slots) {
        if (not place(known.what, slot(known.index))) return false;
    }
    for (const auto kind : {length_kind::input, length_kind::packet, length_kind::meta}) {
        if (length_of(kind, world) < s.least_lengths[static_cast<std::size_t>(kind)]) return false;
    }
    return std::ranges::all_of(all, [&](const placed &p) { return agrees(p, all); });
}

}  // namespace bpftime::vm::analysis
