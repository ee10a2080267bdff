// bpftime-vm: values and facts as text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "analysis/facts.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace bpftime::vm::analysis {

namespace {

constexpr auto kind_names = std::to_array<std::string_view>(
    {"any word", "scalar", "input", "packet", "packet_end", "packet_meta", "frame", "map_value",
     "map", "memory", "granted"});
static_assert(kind_names.size() == static_cast<std::size_t>(value_kind::granted) + 1);

constexpr auto verdict_names =
    std::to_array<std::string_view>({"unreachable", "check", "covered", "proven", "faults"});
constexpr auto length_names = std::to_array<std::string_view>({"", "input", "packet", "meta"});

/// Signed if the set has negative words and is narrow on that side.
std::string range_of(const number &n) {
    if (n.is_constant() and n.smin >= -4096) return fmt::format("{}", n.smin);
    if (n.is_constant()) return fmt::format("{:#x}", n.umin);
    if (n.smin < 0 and n.smin > INT32_MIN and n.smax < INT32_MAX)
        return fmt::format("{}..{}", n.smin, n.smax);
    if (n.umax > UINT32_MAX) return n.umin == 0 ? "" : fmt::format("{}..", n.umin);
    return fmt::format("{}..{}", n.umin, n.umax);
}

std::string left_of(const bound &b) {
    const auto length = length_names[static_cast<std::size_t>(b.length)];
    if (b.length == length_kind::none) return "";
    const std::string times = b.scale == 1 ? "" : fmt::format(" by steps of {}", b.scale);
    if (b.exact and b.slack == 0) return fmt::format(", the length of {}", length);
    return fmt::format(", {} bytes of {} left{}{}", b.slack, length, times,
                       b.exact ? " exactly" : "");
}

bool is_shown(const value &v) {
    return v.kind != value_kind::unknown or v.cover.allowed != permission::none;
}

constexpr std::string_view permission_text(permission p) {
    switch (p) {
    case permission::read: return "read";
    case permission::write: return "written";
    default: return "read and written";
    }
}

}  // namespace

std::string_view name_of(value_kind kind) noexcept {
    return kind_names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(verdict v) noexcept { return verdict_names[static_cast<std::size_t>(v)]; }

std::string to_text(const number &n) {
    std::string text = range_of(n);
    if (text.empty()) text = "any number";
    if (not n.is_constant() and (n.bits.unknown & 1) == 0) {
        const int zeros = __builtin_ctzll(n.bits.unknown);
        text += fmt::format(", {} mod {}", n.bits.value & ((uint64_t{1} << zeros) - 1),
                            uint64_t{1} << zeros);
    }
    return text;
}

std::string to_text(const value &v) {
    std::string text;
    switch (v.kind) {
    case value_kind::unknown: text = "any word"; break;
    case value_kind::scalar: text = to_text(v.offset); break;
    case value_kind::map: text = fmt::format("map {}", v.index); break;
    default:
        text = std::string{name_of(v.kind)};
        if (v.kind >= value_kind::frame) text += fmt::format(" {}", v.index);
        text += " + " + to_text(v.offset);
    }
    if (v.nullable) text += " or null";
    text += left_of(v.limit);
    if (v.cover.allowed != permission::none)
        text += fmt::format(", {}..{} can be {}", v.cover.begin, v.cover.end,
                            permission_text(v.cover.allowed));
    return text;
}

std::string to_text(const state &s) {
    std::string text;
    for (unsigned r = 0; r < isa::register_count; ++r) {
        if (is_shown(s.registers[r])) text += fmt::format("r{}: {}\n", r, to_text(s.registers[r]));
    }
    for (const stack_slot &slot : s.slots) {
        if (is_shown(slot.what))
            text += fmt::format("[r10 - {}]: {}\n", 8 * (slot.index + 1), to_text(slot.what));
    }
    return text;
}

std::string facts::explain(uint32_t pc) const {
    switch (branches_[pc]) {
    case branch_facts::always: return "always taken";
    case branch_facts::never: return "never taken";
    default: break;
    }
    const access_facts &a = accesses_[pc];
    if (a.what == verdict::unreachable) return "";
    std::string text{name_of(a.what)};
    if (a.region <= value_kind::scalar) return text;
    text += fmt::format(": {}", name_of(a.region));
    if (a.region >= value_kind::frame) text += fmt::format(" {}", a.index);
    if (a.least_offset == a.most_offset) return text + fmt::format(" + {}", a.least_offset);
    const bool least = a.least_offset != std::numeric_limits<int64_t>::min();
    const bool most = a.most_offset != std::numeric_limits<int64_t>::max();
    if (least or most)
        text += fmt::format(" + {}..{}", least ? fmt::format("{}", a.least_offset) : "",
                            most ? fmt::format("{}", a.most_offset) : "");
    return text;
}

std::string to_text(const facts &f, const program &p) {
    std::string text;
    for (uint32_t pc = 0; pc < p.size(); ++pc) {
        const std::string line = f.explain(pc);
        if (not line.empty()) text += fmt::format("{}: {}; {}\n", pc, p.text_at(pc), line);
    }
    return text;
}

}  // namespace bpftime::vm::analysis
