// bpftime-vm: what values say of lengths and of each other
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "relations.hpp"

#include "number.hpp"

#include <algorithm>

namespace bpftime::vm::analysis {

namespace {

/// Bounds and gaps further than this are not worth keeping.
constexpr int64_t most_slack = int64_t{1} << 30;

bool is_kept(wide slack) noexcept { return slack >= -most_slack and slack <= most_slack; }

std::optional<int64_t> maximum(std::optional<int64_t> a, wide b) {
    if (b < -wide{most_bytes} or (a and *a >= b)) return a;
    return static_cast<int64_t>(std::min(b, wide{most_bytes}));
}

/// The place that holds a number, with what is known of it.
const value *find(const state &s, value_number id) {
    const value *found = nullptr;
    for_each_value(s, [&](const value &v) {
        if (v.id == id) found = &v;
    });
    return found;
}

/// What a link says: n = scale * word + addend, for the word of some other place. Without what
/// wraps n is that sum itself if the sum is small, and for numbers none below 0.
struct sum {
    const value *of;
    wide scale;
    wide addend;

    [[nodiscard]] wide least() const noexcept { return scale * least_of(*of) + addend; }
    [[nodiscard]] wide most() const noexcept { return scale * most_of(*of) + addend; }
};

std::optional<sum> sum_of(const state &s, const value &v) {
    if (v.link.of == 0) return std::nullopt;
    const value *const of = find(s, v.link.of);
    if (of == nullptr or not of->is_scalar()) return std::nullopt;
    const sum out{of, v.link.scale, wide{v.link.addend} - wide{v.link.scale} * of->delta};
    if (out.addend > wide{most_bytes} or out.addend < -wide{most_bytes}) return std::nullopt;
    if (v.is_scalar() and out.least() < 0) return std::nullopt;
    return out;
}

std::optional<int64_t> slack_of_link(const state &s, const value &v, length_kind length) {
    const auto sum = sum_of(s, v);
    if (not sum) return std::nullopt;
    const value &of = *sum->of;
    std::optional<int64_t> slack;
    if (of.limit.length == length and of.limit.scale >= v.link.scale)
        slack = maximum(slack, of.limit.slack - sum->addend);
    if (sum->most() <= wide{most_bytes})
        slack =
            maximum(slack, wide{s.least_lengths[static_cast<std::size_t>(length)]} - sum->most());
    return slack;
}

}  // namespace

length_kind length_of(value_kind kind) noexcept {
    switch (kind) {
    case value_kind::input: return length_kind::input;
    case value_kind::packet: return length_kind::packet;
    case value_kind::packet_meta: return length_kind::meta;
    default: return length_kind::none;
    }
}

bool is_comparable(const value &a, const value &b) noexcept {
    if (a.kind != b.kind or a.nullable or b.nullable) return false;
    switch (a.kind) {
    case value_kind::scalar:
    case value_kind::input:
    case value_kind::packet:
    case value_kind::packet_end:
    case value_kind::packet_meta: return true;
    case value_kind::frame:
    case value_kind::memory: return a.index == b.index;
    // Two lookups may give two values.
    default: return false;
    }
}

wide least_of(const value &v) noexcept {
    return v.is_pointer() ? wide{v.offset.smin} : wide{v.offset.umin};
}
wide most_of(const value &v) noexcept {
    return v.is_pointer() ? wide{v.offset.smax} : wide{v.offset.umax};
}

bool may_wrap(const value &v, int64_t by) noexcept {
    const wide least = v.is_pointer() ? wide{std::numeric_limits<int64_t>::min()} : wide{0};
    const wide most = v.is_pointer() ? wide{std::numeric_limits<int64_t>::max()}
                                     : wide{std::numeric_limits<uint64_t>::max()};
    return least_of(v) + by < least or most_of(v) + by > most;
}

std::optional<int64_t> slack_of(const state &s, const value &v, length_kind length,
                                uint32_t scale) {
    std::optional<int64_t> slack;
    // If n is not below 0, a smaller multiple leaves more of the length.
    if (v.limit.length == length and v.limit.scale == scale)
        slack = v.limit.slack;
    else if (v.limit.length == length and v.limit.scale > scale and least_of(v) >= 0)
        slack = maximum(slack, v.limit.slack + (v.limit.scale - wide{scale}) * least_of(v));
    if (most_of(v) <= wide{most_bytes})
        slack = maximum(
            slack, wide{s.least_lengths[static_cast<std::size_t>(length)]} - most_of(v) * scale);
    if (scale == 1)
        if (const auto by_link = slack_of_link(s, v, length)) slack = maximum(slack, *by_link);
    return slack;
}

bound steepest_bound(const state &s, const value &v, length_kind length) {
    const bound own = v.limit.length == length ? v.limit : bound{};
    const auto sum = sum_of(s, v);
    if (not sum or sum->of->limit.length != length) return own;
    const bound &of = sum->of->limit;
    const uint32_t scale = of.scale / v.link.scale;
    if (scale == 0 or scale <= own.scale) return own;
    return make_bound(length, of.slack - scale * sum->addend, scale);
}

bound bound_of_sum(const bound &a, const bound &b) noexcept {
    // With m = a.scale and n = b.scale, mn / (m + n) times the sum is the mean of m times the one
    // and n times the other, weighed by n and m: no more than the length.
    if (a.length == length_kind::none or a.length != b.length) return {};
    const auto m = uint64_t{a.scale};
    const auto n = uint64_t{b.scale};
    const uint64_t scale = m * n / (m + n);
    if (scale == 0) return {};
    const auto part = [scale](const bound &of) {
        const wide whole = wide{of.slack} * scale;
        const wide cut = whole / of.scale;
        return cut * of.scale > whole ? cut - 1 : cut;
    };
    return make_bound(a.length, part(a) + part(b), static_cast<uint32_t>(scale));
}

std::optional<int64_t> distance_of(const state &s, const value &a, const value &b) {
    std::optional<int64_t> distance;
    if (a.gap.of != 0 and a.gap.of == b.id and a.gap.of_delta == b.delta) distance = a.gap.distance;
    distance = maximum(distance, least_of(b) - most_of(a));
    if (b.limit.exact) {
        if (const auto slack = slack_of(s, a, b.limit.length))
            distance = maximum(distance, wide{*slack} - b.limit.slack);
    }
    return distance;
}

bound make_bound(length_kind length, wide slack, uint32_t scale, bool exact) noexcept {
    if (length == length_kind::none or not is_kept(slack)) return {};
    return {length, exact, scale, static_cast<int32_t>(slack)};
}

gap make_gap(value_number of, int64_t of_delta, wide distance) noexcept {
    if (of == 0 or not is_kept(distance)) return {};
    return {of, static_cast<int32_t>(distance), of_delta};
}

bound better(const bound &a, const bound &b) noexcept {
    if (b.length == length_kind::none) return a;
    if (a.length == length_kind::none) return b;
    if (a.length != b.length or a.exact) return a;
    if (b.exact or b.scale > a.scale) return b;
    return b.scale == a.scale and b.slack > a.slack ? b : a;
}

bound tighter(const value &v, const bound &other) noexcept {
    const bound &own = v.limit;
    if (own.length == length_kind::none) return other;
    if (own.length != other.length or own.exact) return own;
    const auto slack = [&](const bound &b) { return (b.scale - wide{1}) * least_of(v) + b.slack; };
    if (slack(own) != slack(other)) return slack(other) > slack(own) ? other : own;
    return other.scale > own.scale ? other : own;
}

gap better(const gap &a, const gap &b) noexcept {
    if (a.of == 0) return b;
    const bool is_same = a.of == b.of and a.of_delta == b.of_delta;
    return is_same and b.distance > a.distance ? b : a;
}

void shift_relations(value &v, int64_t by) noexcept {
    if (v.limit.length != length_kind::none)
        v.limit = make_bound(v.limit.length, v.limit.slack - wide{by} * v.limit.scale,
                             v.limit.scale, v.limit.exact);
    if (v.gap.of != 0) v.gap = make_gap(v.gap.of, v.gap.of_delta, v.gap.distance - wide{by});
}

bool clamp(value &v) noexcept {
    if (v.limit.length == length_kind::none) return true;
    wide most = wide{most_bytes} - v.limit.slack;
    number n = v.offset;
    if (v.is_scalar()) {
        if (most < 0) return false;
        if (v.limit.scale != 1) most = static_cast<uint64_t>(most) / v.limit.scale;
        if (wide{n.umax} <= most) return true;
        n.umax = static_cast<uint64_t>(most);
    } else {
        if (wide{n.smax} <= most) return true;
        n.smax = static_cast<int64_t>(most);
    }
    if (not tighten(n)) return false;
    v.offset = n;
    return true;
}

void clamp_by_link(const state &s, value &v) noexcept {
    const auto sum = sum_of(s, v);
    if (not sum or sum->most() > wide{most_bytes} or sum->least() < -wide{most_bytes}) return;
    number n = v.offset;
    const auto least = static_cast<int64_t>(sum->least());
    const auto most = static_cast<int64_t>(sum->most());
    if (intersect(n, signed_range_of(least, most))) v.offset = n;
}

void note_length(state &s, const value &v) noexcept {
    // Of what is null the bound says nothing.
    if (v.limit.length == length_kind::none or v.nullable) return;
    const wide least = v.limit.scale * least_of(v) + v.limit.slack;
    uint64_t &known = s.least_lengths[static_cast<std::size_t>(v.limit.length)];
    if (least > wide{known} and least <= wide{most_bytes}) known = static_cast<uint64_t>(least);
}

}  // namespace bpftime::vm::analysis
