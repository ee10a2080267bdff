// bpftime-vm: what a branch tells of what it compares
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "number.hpp"
#include "transfer.hpp"

#include <algorithm>
#include <utility>

namespace bpftime::vm::analysis {

namespace {

using isa::operation;
using isa::width;

/// How two words are ordered, without signs.
enum class order : uint8_t { less, at_most, greater, at_least, equal, different, not_known };

bool is_signed(operation op) noexcept {
    return op == operation::jsgt or op == operation::jsge or op == operation::jslt or
           op == operation::jsle;
}

operation made_signed(operation op) noexcept {
    switch (op) {
    case operation::jgt: return operation::jsgt;
    case operation::jge: return operation::jsge;
    case operation::jlt: return operation::jslt;
    case operation::jle: return operation::jsle;
    default: return op;
    }
}

order order_of(operation op) noexcept {
    switch (op) {
    case operation::jeq: return order::equal;
    case operation::jne: return order::different;
    case operation::jgt:
    case operation::jsgt: return order::greater;
    case operation::jge:
    case operation::jsge: return order::at_least;
    case operation::jlt:
    case operation::jslt: return order::less;
    case operation::jle:
    case operation::jsle: return order::at_most;
    default: return order::not_known;
    }
}

/// The same with the sides exchanged.
order exchanged(order o) noexcept {
    switch (o) {
    case order::less: return order::greater;
    case order::at_most: return order::at_least;
    case order::greater: return order::less;
    case order::at_least: return order::at_most;
    default: return o;
    }
}

bool is_number(const value &v) noexcept { return v.is_scalar() or v.kind == value_kind::unknown; }

bool fits(const value &v, uint64_t most) noexcept {
    return v.is_scalar() and v.offset.umax <= most;
}

/// A word that may be an address stays one, unless more is known than that it is not null.
void set_words(value &v, const number &n) noexcept {
    const bool says_little = n.umin <= 1 and n == [&] {
        number least;
        least.umin = n.umin;
        return least;
    }();
    if (v.kind == value_kind::unknown and says_little) return;
    if (v.kind == value_kind::unknown) {
        v.kind = value_kind::scalar;
        v.link = {};
    }
    v.offset = n;
}

/// n of `a` + distance <= n of `b`.
void note_order(value &a, const value &b, wide distance) {
    if (b.limit.length != length_kind::none)
        a.limit = better(
            a.limit,
            make_bound(b.limit.length, b.limit.slack + b.limit.scale * distance, b.limit.scale));
    a.gap = better(a.gap, make_gap(b.id, b.delta, distance));
}

/// The least distance that is not 0 and fits the low bits of both, if a <= b.
std::optional<int64_t> distance_if_different(const state &s, const value &a, const value &b) {
    const auto known = distance_of(s, a, b);
    if (not known or *known < 0) return std::nullopt;
    const unsigned bits = std::min({known_low_bits(a.offset), known_low_bits(b.offset), 30U});
    const int64_t step = int64_t{1} << bits;
    const auto rest = static_cast<int64_t>((b.offset.bits.value - a.offset.bits.value) &
                                           static_cast<uint64_t>(step - 1));
    const int64_t least = std::max<int64_t>(*known, 1);
    return least + ((rest - least) & (step - 1));
}

/// Both are numbers, or addresses in one thing.
void relate(order o, const state &s, value &a, value &b) {
    switch (o) {
    case order::less: note_order(a, b, 1); return;
    case order::at_most: note_order(a, b, 0); return;
    case order::greater: note_order(b, a, 1); return;
    case order::at_least: note_order(b, a, 0); return;
    case order::equal: {
        const value before = a;
        note_order(a, b, 0);
        note_order(b, before, 0);
        return;
    }
    case order::different:
        if (const auto distance = distance_if_different(s, a, b))
            note_order(a, b, *distance);
        else if (const auto back = distance_if_different(s, b, a))
            note_order(b, a, *back);
        return;
    case order::not_known: return;
    }
}

/// Whether the order of the words compared is that of the whole words without signs.
bool orders_words(operation op, width w, const value &a, const value &b) noexcept {
    const auto both_fit = [&](uint64_t most) { return fits(a, most) and fits(b, most); };
    if (w == width::w32) return both_fit(is_signed(op) ? INT32_MAX : UINT32_MAX);
    return not is_signed(op) or both_fit(INT64_MAX);
}

/// Whether the order of two addresses is that of their offsets: none is before its memory, or so
/// far behind it that it may wrap.
bool orders_offsets(operation op, const value &a, const value &b) noexcept {
    const auto is_behind_start = [](const value &v) {
        return least_of(v) >= 0 and most_of(v) <= 2 * wide{most_bytes};
    };
    return order_of(op) == order::equal or order_of(op) == order::different or
           (not is_signed(op) and is_behind_start(a) and is_behind_start(b));
}

bool compare_numbers(operation op, width w, const state &s, value &a, value &b) {
    number x = a.is_scalar() ? a.offset : number{};
    number y = b.is_scalar() ? b.offset : number{};
    if (not refine(op, w, x, y, true)) return false;
    set_words(a, x);
    set_words(b, y);
    if (a.is_scalar() and b.is_scalar() and orders_words(op, w, a, b))
        relate(order_of(op), s, a, b);
    return true;
}

bool compare_offsets(operation op, const state &s, value &a, value &b) {
    if (not orders_offsets(op, a, b)) return true;
    if (not refine(made_signed(op), width::w64, a.offset, b.offset, true)) return false;
    relate(order_of(op), s, a, b);
    return true;
}

/// An address of the packet, and the end of the packet + some bytes.
void compare_with_end(order o, const state &s, value &at, const value &end, length_kind length) {
    const auto least_length = wide{s.least_lengths[static_cast<std::size_t>(length)]};
    if (least_of(at) < 0 or most_of(at) > 2 * wide{most_bytes} or least_length + least_of(end) < 0)
        return;
    const wide behind = most_of(end);
    const auto note = [&](wide distance) {
        at.limit = better(at.limit, make_bound(length, distance - behind));
    };
    switch (o) {
    case order::less: note(1); return;
    case order::at_most:
    case order::equal: note(0); return;
    case order::different: {
        const auto slack = slack_of(s, at, length);
        if (slack and end.offset.is_constant() and *slack + behind >= 0)
            note(std::max<wide>(1, *slack + behind));
        return;
    }
    default: return;
    }
}

bool compare_with_null(order o, value &v) {
    switch (o) {
    case order::equal:
    case order::at_most: {
        if (not v.nullable) {
            const bool is_there = v.kind == value_kind::frame or v.kind == value_kind::map_value or
                                  v.kind == value_kind::granted;
            return not(is_there and v.offset.is_constant() and v.offset.umin == 0);
        }
        const value before = v;
        v = value::constant(0);
        v.id = before.id;
        v.delta = before.delta;
        return true;
    }
    case order::different:
    case order::greater: v.nullable = false; return true;
    default: return true;
    }
}

/// What follows for another place that holds the same word + `by`. False: it cannot be.
bool learn(value &v, const value &told, int64_t by) {
    value other = told;
    other.offset =
        alu(operation::add, width::w64, told.offset, number::constant(static_cast<uint64_t>(by)));
    if (may_wrap(told, by)) {
        other.limit = {};
        other.gap = {};
    } else {
        shift_relations(other, by);
    }
    if (told.is_scalar() and not v.is_scalar()) {
        const bool is_null = v.nullable and by == 0 and told.offset.umax == 0;
        if (v.kind != value_kind::unknown and not is_null) return true;
        v.kind = value_kind::scalar;
        v.nullable = false;
        v.offset = other.offset;
        v.link = {};
    } else if (v.kind != told.kind or v.index != told.index or v.kind == value_kind::unknown) {
        return true;
    } else {
        if (not intersect(v.offset, other.offset)) return false;
        if (by == 0) v.nullable = v.nullable and told.nullable;
    }
    v.limit = better(v.limit, other.limit);
    v.gap = better(v.gap, other.gap);
    return clamp(v);
}

/// All places that hold the word of `told` get to know.
bool tell_copies(const value &told, state &s) {
    note_length(s, told);
    if (told.id == 0) return true;
    bool is_possible = true;
    for_each_value(s, [&](value &v) {
        if (v.id != told.id or v == told) return;
        const auto by = static_cast<int64_t>(static_cast<uint64_t>(v.delta) -
                                             static_cast<uint64_t>(told.delta));
        is_possible = learn(v, told, by) and is_possible;
    });
    return is_possible;
}

/// Of a word and itself.
bool can_be(operation op, bool taken) noexcept {
    switch (op) {
    case operation::jeq:
    case operation::jge:
    case operation::jle:
    case operation::jsge:
    case operation::jsle: return taken;
    case operation::jset: return true;
    default: return not taken;
    }
}

}  // namespace

bool transfer::follow(uint32_t pc, bool taken, state &s) {
    const isa::instruction &i = code_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const width w = row.width;
    const bool is_imm = isa::info(row.shape).imm == isa::imm_role::value;
    if (not is_imm and i.src == i.dst and row.operation != operation::jset)
        return can_be(row.operation, taken);
    value a = s.registers[i.dst];
    value b = is_imm ? value::constant(static_cast<uint64_t>(int64_t{i.imm})) : s.registers[i.src];
    const bool is_test = row.operation == operation::jset;
    const operation op = taken or is_test ? row.operation : opposite(row.operation);
    const order o = w == width::w64 and not is_signed(op) ? order_of(op) : order::not_known;
    const auto is_null = [](const value &v) { return v.is_scalar() and v.offset.umax == 0; };
    bool is_possible = true;
    if (is_number(a) and is_number(b)) {
        if (is_test) {
            number x = a.is_scalar() ? a.offset : number{};
            number y = b.is_scalar() ? b.offset : number{};
            is_possible = refine(op, w, x, y, taken);
            set_words(a, x);
            set_words(b, y);
        } else {
            is_possible = compare_numbers(op, w, s, a, b);
        }
    } else if (w == width::w64 and not is_test and is_comparable(a, b)) {
        is_possible = compare_offsets(op, s, a, b);
    } else if (a.is_pointer() and is_null(b)) {
        is_possible = compare_with_null(o, a);
    } else if (b.is_pointer() and is_null(a)) {
        is_possible = compare_with_null(exchanged(o), b);
    } else {
        const auto is = [](const value &v, value_kind kind) {
            return v.kind == kind and not v.nullable;
        };
        if (is(a, value_kind::packet) and is(b, value_kind::packet_end))
            compare_with_end(o, s, a, b, length_kind::packet);
        else if (is(b, value_kind::packet) and is(a, value_kind::packet_end))
            compare_with_end(exchanged(o), s, b, a, length_kind::packet);
        else if (is(a, value_kind::packet_meta) and is(b, value_kind::packet))
            compare_with_end(o, s, a, b, length_kind::meta);
        else if (is(b, value_kind::packet_meta) and is(a, value_kind::packet))
            compare_with_end(exchanged(o), s, b, a, length_kind::meta);
    }
    if (not is_possible or not clamp(a) or not clamp(b)) return false;
    s.registers[i.dst] = a;
    if (not is_imm) s.registers[i.src] = b;
    return tell_copies(a, s) and (is_imm or tell_copies(b, s));
}

}  // namespace bpftime::vm::analysis
