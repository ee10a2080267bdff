// bpftime-vm: what is known where several paths meet
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "join.hpp"

#include "number.hpp"
#include "transfer.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace bpftime::vm::analysis {

namespace {

int64_t minus(int64_t a, int64_t b) noexcept {
    return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t plus(int64_t a, int64_t b) noexcept {
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t times(uint32_t a, int64_t b) noexcept {
    return static_cast<int64_t>(a * static_cast<uint64_t>(b));
}

/// One place in both states, and what it becomes.
struct meeting {
    const value *head;
    const value *arriving;
    uint32_t place;
    value_number id;
    int64_t delta;
    bool keeps_name;
    bool is_same;  ///< both sides say the same, in names that stay
};

constexpr std::size_t most_places = isa::register_count + most_slots;

class joiner {
public:
    joiner(const state &head, const state &arriving, const join_options &options)
        : head_{head}, arriving_{arriving}, options_{options} {
        for (unsigned r = 0; r < isa::frame_pointer; ++r) {
            if (has(options.kept, r)) add(head.registers[r], arriving.registers[r], r);
        }
    }

    void add(const value &head, const value &arriving, uint32_t place) {
        meeting &m = places_[count_++];
        m.head = &head;
        m.arriving = &arriving;
        m.place = place;
        name(m);
    }

    [[nodiscard]] value join(std::size_t index) const {
        const meeting &m = places_[index];
        const value &h = *m.head;
        const value &a = *m.arriving;
        value out;
        out.id = m.id;
        out.delta = m.delta;
        out.cover = common_cover(h, a);
        if (not join_kind(h, a, out)) return out;
        const bool is_map = out.kind == value_kind::map;
        if (is_map) return out;
        join_offset(h, a, out);
        join_limit(h, a, out);
        out.gap = common_gap(h, a);
        out.link = common_link(h, a);
        static_cast<void>(clamp(out));
        return out;
    }

    /// Two words that have had two values each are on a line: one is a multiple of the other, if
    /// they go on like that. The next path that arrives will tell.
    void guess_link(value &v, std::size_t index) const {
        if (v.link.of != 0) return;
        const auto change = change_of(places_[index]);
        if (not change or *change == 0) return;
        for (const meeting &m : all()) {
            const auto other = change_of(m);
            if (&m == &places_[index] or not other or *other == 0 or not m.head->is_scalar() or
                m.id == 0)
                continue;
            const wide scale = wide{*change} / *other;
            if (scale < 1 or scale > UINT32_MAX or scale * *other != *change) continue;
            // The named word is the other one less its delta.
            const auto from = static_cast<int64_t>(m.head->offset.umin);
            const auto start = static_cast<int64_t>(places_[index].head->offset.umin);
            v.link = {m.id, static_cast<uint32_t>(scale),
                      minus(start, times(static_cast<uint32_t>(scale), minus(from, m.delta)))};
            return;
        }
    }

    [[nodiscard]] std::size_t count_of_changes() const noexcept {
        return static_cast<std::size_t>(std::ranges::count(all(), false, &meeting::is_same));
    }
    [[nodiscard]] bool is_same(std::size_t index) const noexcept { return places_[index].is_same; }

private:
    // --- names

    [[nodiscard]] std::span<const meeting> all() const noexcept { return {places_.data(), count_}; }

    [[nodiscard]] bool stays(value_number id) const noexcept {
        return not options_.renames or id == 0 or origin_of(id) < options_.renamed_from or
               is_field_number(id);
    }

    /// Places that hold the same word, or differ by the same constant, on both paths keep that.
    void name(meeting &m) const {
        const value &h = *m.head;
        const value &a = *m.arriving;
        m.id = h.id;
        m.delta = h.delta;
        m.keeps_name = h.id == a.id and h.delta == a.delta and stays(h.id);
        m.is_same = m.keeps_name and stays(h.gap.of) and stays(h.link.of) and h == a;
        // Words of which nothing is known need names only once they get some.
        if (m.is_same or (m.keeps_name and h.id != 0)) return;
        if (share_name(m)) return;
        const bool is_constant =
            h.is_scalar() and a.is_scalar() and h.offset.is_constant() and h.offset == a.offset;
        m.id = is_constant ? 0 : place_number(options_.begin, m.place);
        m.delta = 0;
    }

    [[nodiscard]] static bool is_constant(const value &v) noexcept {
        return v.is_scalar() and v.offset.is_constant();
    }

    /// How much further a word is than another one, on one side.
    [[nodiscard]] static std::optional<int64_t> difference(const value &v,
                                                           const value &from) noexcept {
        if (v.id != 0 and v.id == from.id) return minus(v.delta, from.delta);
        if (not is_constant(v) or not is_constant(from)) return std::nullopt;
        return static_cast<int64_t>(v.offset.umin - from.offset.umin);
    }

    [[nodiscard]] bool share_name(meeting &m) const {
        const value &h = *m.head;
        const value &a = *m.arriving;
        if ((h.id == 0 and not is_constant(h)) or (a.id == 0 and not is_constant(a))) return false;
        for (const meeting &other : all()) {
            if (&other == &m or other.id == 0 or other.keeps_name) continue;
            const auto by = difference(h, *other.head);
            if (not by or by != difference(a, *other.arriving)) continue;
            m.id = other.id;
            m.delta = plus(other.delta, *by);
            return true;
        }
        return false;
    }

    // --- values

    [[nodiscard]] static bool is_null(const value &v) noexcept {
        return v.is_scalar() and v.offset.umax == 0;
    }

    /// False: nothing is known.
    static bool join_kind(const value &h, const value &a, value &out) noexcept {
        const value &named = is_null(h) ? a : h;
        const value &other = is_null(h) ? h : a;
        if (named.kind == value_kind::unknown or other.kind == value_kind::unknown) return false;
        const bool may_be_null = is_null(other) and named.is_pointer();
        if (not may_be_null and (named.kind != other.kind or named.index != other.index))
            return false;
        out.kind = named.kind;
        out.index = named.index;
        out.nullable = may_be_null or h.nullable or a.nullable;
        return true;
    }

    void join_offset(const value &h, const value &a, value &out) const {
        if (h.kind != a.kind)
            out.offset = h.kind == out.kind ? h.offset : a.offset;
        else if (options_.widens)
            out.offset = widen(h.offset, a.offset, options_.thresholds);
        else
            out.offset = analysis::join(h.offset, a.offset);
    }

    /// What both sides keep within, though one may not say so in these words.
    void join_limit(const value &h, const value &a, value &out) const {
        if (h.kind != a.kind) return;
        const auto common = [&](const bound &candidate) -> bound {
            if (candidate.length == length_kind::none) return {};
            const auto x = slack_of(head_, h, candidate.length, candidate.scale);
            const auto y = slack_of(arriving_, a, candidate.length, candidate.scale);
            if (not x or not y) return {};
            wide slack = std::min(*x, *y);
            if (options_.widens and slack < *x) {
                if (slack < 0) return {};
                slack = shrunk(*x, slack);
            }
            // A state that no run has may know of two slacks: equal is what both say themselves.
            const bool exact = h.limit.exact and a.limit.exact and
                               h.limit.length == a.limit.length and
                               h.limit.slack == a.limit.slack and slack == wide{h.limit.slack};
            return make_bound(candidate.length, slack, candidate.scale, exact);
        };
        out.limit = common(h.limit);
        if (out.limit.length == length_kind::none and a.limit != h.limit)
            out.limit = common(a.limit);
        // The word that was compared with the length may be another one, which shares its name.
        if (h.limit.length == length_kind::none and a.limit.length == length_kind::none and
            is_constant(h) and is_constant(a)) {
            const bound within = common({.length = length_kind::input});
            if (within.slack >= 0) out.limit = within;
        }
    }

    /// What shrinks from path to path shrinks until one more step is left: a loop that ends at a
    /// length keeps that, or less.
    [[nodiscard]] static wide shrunk(wide before, wide now) noexcept {
        return std::min(now, before - now);
    }

    [[nodiscard]] static cover common_cover(const value &h, const value &a) noexcept {
        const cover both{std::max(h.cover.begin, a.cover.begin), std::min(h.cover.end, a.cover.end),
                         static_cast<permission>(static_cast<uint8_t>(h.cover.allowed) &
                                                 static_cast<uint8_t>(a.cover.allowed)),
                         h.cover.at_once and a.cover.at_once};
        return both.begin < both.end and both.allowed != permission::none ? both : cover{};
    }

    // --- what values say of each other

    /// The distance to the place `to`, as one side knows it.
    [[nodiscard]] static std::optional<int64_t> distance_to(const state &s, const value &v,
                                                            const value &to) {
        if (not is_comparable(v, to)) return std::nullopt;
        return distance_of(s, v, to);
    }

    [[nodiscard]] gap common_gap(const value &h, const value &a) const {
        if (h.kind != a.kind or (h.gap.of == 0 and a.gap.of == 0)) return {};
        for (const meeting &m : all()) {
            const auto is_meant = [](const gap &g, const value &to) {
                return g.of != 0 and g.of == to.id and g.of_delta == to.delta;
            };
            if (not is_meant(h.gap, *m.head) and not is_meant(a.gap, *m.arriving)) continue;
            if (m.id == 0) continue;
            const auto x = distance_to(head_, h, *m.head);
            const auto y = distance_to(arriving_, a, *m.arriving);
            if (not x or not y) continue;
            wide distance = std::min(*x, *y);
            if (options_.widens and distance < *x) {
                if (distance < 0) continue;
                distance = shrunk(*x, distance);
            }
            return make_gap(m.id, m.delta, distance);
        }
        return {};
    }

    /// A link of one side, in the names that are to be.
    [[nodiscard]] static link renamed(const link &l, const value &of, const meeting &m) noexcept {
        return {m.id, l.scale, minus(l.addend, times(l.scale, minus(of.delta, m.delta)))};
    }

    /// Whether a side says the same, or is constant and as it says.
    [[nodiscard]] static bool agrees(const link &l, const value &v, const value &of,
                                     const meeting &m) noexcept {
        if (v.link.of != 0 and v.link.of == of.id and renamed(v.link, of, m) == l) return true;
        if (not v.offset.is_constant() or not of.is_scalar() or not of.offset.is_constant())
            return false;
        const auto named = minus(static_cast<int64_t>(of.offset.umin), m.delta);
        return v.offset.umin == static_cast<uint64_t>(plus(times(l.scale, named), l.addend));
    }

    [[nodiscard]] link common_link(const value &h, const value &a) const {
        if (h.kind != a.kind or (h.link.of == 0 and a.link.of == 0)) return {};
        for (const meeting &m : all()) {
            if (m.id == 0) continue;
            for (const auto &[v, of] : {std::pair{&h, m.head}, std::pair{&a, m.arriving}}) {
                if (v->link.of == 0 or v->link.of != of->id) continue;
                const link candidate = renamed(v->link, *of, m);
                if (agrees(candidate, h, *m.head, m) and agrees(candidate, a, *m.arriving, m))
                    return candidate;
            }
        }
        return {};
    }

    /// How far a word that is constant on both paths differs.
    [[nodiscard]] static std::optional<int64_t> change_of(const meeting &m) noexcept {
        const value &h = *m.head;
        const value &a = *m.arriving;
        if (h.kind != a.kind or h.index != a.index or h.nullable or a.nullable or
            h.kind == value_kind::unknown or h.kind == value_kind::map or
            not h.offset.is_constant() or not a.offset.is_constant())
            return std::nullopt;
        return minus(static_cast<int64_t>(a.offset.umin), static_cast<int64_t>(h.offset.umin));
    }

    const state &head_;
    const state &arriving_;
    const join_options &options_;
    std::array<meeting, most_places> places_;  // not initialised: most are not there
    std::size_t count_ = 0;
};

/// Renames one name in all that is said of it: the new named word is the old one + by.
void rename(state &s, value_number from, value_number to, int64_t by) {
    for_each_value(s, [&](value &v) {
        if (v.id == from) {
            v.id = to;
            v.delta = minus(v.delta, by);
        }
        if (v.gap.of == from) {
            v.gap.of = to;
            v.gap.of_delta = minus(v.gap.of_delta, by);
        }
        if (v.link.of == from) {
            v.link.of = to;
            v.link.addend = minus(v.link.addend, times(v.link.scale, by));
        }
    });
}

/// Names that are not to be known from here on.
void rename_all(state &s, uint32_t begin, uint32_t renamed_from) {
    uint32_t place = 0;
    const auto is_old = [&](value_number n) {
        return n != 0 and origin_of(n) >= renamed_from and not is_field_number(n);
    };
    // Names of this very block are taken: out of the way first.
    constexpr value_number aside = 0xffff'fe00;
    std::vector<std::pair<value_number, value_number>> new_names;
    const auto rename_place = [&](const value &v, uint32_t at) {
        if (not is_old(v.id) or (v.id >= aside and not is_field_number(v.id))) return;
        const auto temporary = static_cast<value_number>(aside + new_names.size());
        const value_number to = place_number(begin, at);
        if (to == 0 or new_names.size() == 0x100) return;
        new_names.emplace_back(temporary, to);
        rename(s, v.id, temporary, v.delta);
    };
    for (const value &v : s.registers) rename_place(v, place++);
    for (const stack_slot &slot : s.slots)
        rename_place(slot.what, isa::register_count + slot.index);
    for_each_value(s, [&](value &v) {
        const auto drop = [&](value_number n) {
            return is_old(n) and not(n >= aside and not is_field_number(n));
        };
        if (drop(v.gap.of)) v.gap = {};
        if (drop(v.link.of)) v.link = {};
        if (drop(v.id)) {
            v.id = 0;
            v.delta = 0;
        }
    });
    for (const auto &[from, to] : new_names) rename(s, from, to, 0);
}

}  // namespace

void arrive(state &s, const join_options &options) {
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        if (not has(options.kept, r)) s.registers[r] = {};
    }
    if (options.renames) rename_all(s, options.begin, options.renamed_from);
}

namespace {

/// Leaves the slots that both have; of the others nothing is known. Gives what the arriving state
/// has in those.
std::vector<const value *> match_slots(state &head, const state &arriving) {
    std::vector<const value *> matches;
    matches.reserve(std::min(head.slots.size(), arriving.slots.size()));
    auto a = arriving.slots.begin();
    const auto end = arriving.slots.end();
    std::erase_if(head.slots, [&](const stack_slot &slot) {
        while (a != end and a->index < slot.index) ++a;
        if (a == end or a->index != slot.index) return true;
        matches.push_back(&a++->what);
        return false;
    });
    return matches;
}

bool join_lengths(state &head, const state &arriving, const join_options &options) {
    bool has_changed = false;
    for (std::size_t l = 0; l < head.least_lengths.size(); ++l) {
        uint64_t &least = head.least_lengths[l];
        if (arriving.least_lengths[l] >= least) continue;
        least = options.widens ? options.least_lengths[l] : arriving.least_lengths[l];
        has_changed = true;
    }
    return has_changed;
}

/// What a place becomes.
struct change {
    value *place;
    value now;
};

}  // namespace

bool join_into(state &head, const state &arriving, const join_options &options) {
    const std::size_t slots_before = head.slots.size();
    const auto slots = match_slots(head, arriving);
    bool has_changed = slots.size() != slots_before;
    joiner all{head, arriving, options};
    for (std::size_t i = 0; i < slots.size(); ++i)
        all.add(head.slots[i].what, *slots[i], isa::register_count + head.slots[i].index);
    // All of it is found before any of it is written: places are looked at for each other.
    std::vector<change> changes;
    changes.reserve(all.count_of_changes());
    std::size_t index = 0;
    const auto join_place = [&](value &v) {
        if (not all.is_same(index)) {
            changes.push_back({&v, all.join(index)});
            value &now = changes.back().now;
            all.guess_link(now, index);
        }
        ++index;
    };
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        if (has(options.kept, r)) join_place(head.registers[r]);
    }
    for (stack_slot &slot : head.slots) join_place(slot.what);
    has_changed = join_lengths(head, arriving, options) or has_changed;
    for (change &c : changes) std::swap(*c.place, c.now);
    for (const change &c : changes) {
        if (c.place->link.of != 0) clamp_by_link(head, *c.place);
        has_changed = has_changed or * c.place != c.now;
    }
    return has_changed;
}

}  // namespace bpftime::vm::analysis
