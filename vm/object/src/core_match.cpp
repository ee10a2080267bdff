// bpftime-vm: CO-RE: finds in the types of a target what an object asks about
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "core_match.hpp"

#include <algorithm>

namespace bpftime::vm::object {

namespace {

bool names_match(const btf_type &a, const btf_type &b) {
    return essential_name(a.name) == essential_name(b.name);
}

/// Integers that are part of their bytes are of the time before bit fields had sizes.
bool whole(const btf_type &t) { return t.bits_offset() == 0; }

}  // namespace

bool kinds_fit(const btf_type &a, const btf_type &b) noexcept {
    return a.kind == b.kind or (a.is_enum() and b.is_enum());
}

std::optional<core_spec> core_matcher::match(const core_spec &spec, uint32_t candidate) {
    core_spec found{spec.kind, candidate, {}, 0};
    if (asks_enumerator(spec.kind))
        return match_enumerator(spec, std::move(found), target_.resolve(candidate));
    if (asks_field(spec.kind)) return match_field(spec, std::move(found), candidate);
    const bool good = spec.kind == core_kind::type_matches
                          ? types_match(spec.root, candidate, false, deepest)
                          : types_fit(spec.root, candidate, deepest);
    if (not good) return {};
    return found;
}

std::optional<core_spec> core_matcher::match_enumerator(const core_spec &spec, core_spec found,
                                                        uint32_t id) {
    const auto enumerators = target_.enumerators(target_.type(id));
    const std::string_view wanted = essential_name(spec.steps.front().name);
    const auto same = std::ranges::find_if(
        enumerators, [&](const btf_enumerator &e) { return essential_name(e.name) == wanted; });
    if (same == enumerators.end()) return {};
    found.steps.push_back({id, static_cast<uint32_t>(same - enumerators.begin()), same->name});
    return found;
}

std::optional<core_spec> core_matcher::match_field(const core_spec &spec, core_spec found,
                                                   uint32_t id) {
    for (const core_step &step : spec.steps) {
        id = target_.resolve(id);
        const bool good = step.name.empty() ? match_element(step, found.steps.empty(), found, id)
                                            : match_member(step, found, id, core_spec::most_steps);
        if (not good) return {};
    }
    return found;
}

bool core_matcher::match_element(const core_step &step, bool first, core_spec &found,
                                 uint32_t &id) {
    if (not first) {
        const btf_type &array = target_.type(id);
        if (array.kind != btf_kind::array) return false;
        if (step.index >= array.extra and not is_flexible(target_, found.steps.back(), array))
            return false;
        id = target_.resolve(array.type);
    }
    const auto size = target_.size_of(id);
    uint64_t bits = 0;
    if (not size or __builtin_mul_overflow(*size * 8, uint64_t{step.index}, &bits)) return false;
    found.steps.push_back({id, step.index, {}});
    found.bit_offset += bits;
    return true;
}

/// Members of members without name count as members.
bool core_matcher::match_member(const core_step &step, core_spec &found, uint32_t &id,
                                unsigned depth) {
    id = target_.resolve(id);
    const btf_type &t = target_.type(id);
    if (not t.is_composite() or depth == 0) return false;
    const auto members = target_.members(t);
    for (uint32_t i = 0; i < members.size(); ++i) {
        const btf_member &m = members[i];
        if (not work()) return false;
        if (m.name.empty()) {
            uint32_t inner = m.type;
            found.bit_offset += m.bit_offset;
            if (match_member(step, found, inner, depth - 1)) {
                id = inner;
                return true;
            }
            found.bit_offset -= m.bit_offset;
        } else if (m.name == step.name) {
            const btf_member &wanted = local_.members(local_.type(step.type))[step.index];
            if (not fields_fit(wanted.type, m.type)) return false;
            found.steps.push_back({id, i, m.name});
            found.bit_offset += m.bit_offset;
            id = m.type;
            return true;
        }
    }
    return false;
}

bool core_matcher::fields_fit(uint32_t local, uint32_t target) {
    for (unsigned depth = deepest; depth > 0; --depth) {
        const btf_type &l = local_.type(local_.resolve(local));
        const btf_type &t = target_.type(target_.resolve(target));
        if (l.is_composite() and t.is_composite()) return true;
        if (not kinds_fit(l, t)) return false;
        switch (l.kind) {
        case btf_kind::pointer:
        case btf_kind::floating: return true;
        case btf_kind::forward:
        case btf_kind::enumeration:
        case btf_kind::enumeration64: return l.name.empty() or t.name.empty() or names_match(l, t);
        case btf_kind::integer: return whole(l) and whole(t);
        case btf_kind::array:
            local = l.type;
            target = t.type;
            break;
        default: return false;
        }
    }
    return false;
}

bool core_matcher::types_fit(uint32_t local, uint32_t target, unsigned depth) {
    for (; depth > 0 and work(); --depth) {
        const btf_type &l = local_.type(local_.resolve(local));
        const btf_type &t = target_.type(target_.resolve(target));
        if (not kinds_fit(l, t)) return false;
        switch (l.kind) {
        case btf_kind::void_:
        case btf_kind::structure:
        case btf_kind::union_:
        case btf_kind::enumeration:
        case btf_kind::enumeration64:
        case btf_kind::forward: return true;
        case btf_kind::integer: return whole(l) and whole(t);
        case btf_kind::function_prototype:
            if (not prototypes_fit(l, t, depth - 1)) return false;
            [[fallthrough]];
        case btf_kind::pointer:
        case btf_kind::array:
            local = l.type;
            target = t.type;
            break;
        default: return false;
        }
    }
    return false;
}

bool core_matcher::prototypes_fit(const btf_type &l, const btf_type &t, unsigned depth) {
    return std::ranges::equal(local_.parameters(l), target_.parameters(t),
                              [&](const btf_parameter &a, const btf_parameter &b) {
                                  return types_fit(a.type, b.type, depth);
                              });
}

bool core_matcher::types_match(uint32_t local, uint32_t target, bool behind_pointer,
                               unsigned depth) {
    for (; depth > 0 and work(); --depth) {
        const btf_type &l = local_.type(local_.resolve(local));
        const btf_type &t = target_.type(target_.resolve(target));
        if (not names_match(l, t)) return false;
        const bool same = l.kind == t.kind;
        switch (l.kind) {
        case btf_kind::void_: return same;
        case btf_kind::forward: return forwards_match(l, t, behind_pointer);
        case btf_kind::enumeration:
        case btf_kind::enumeration64: return t.is_enum() and enums_match(l, t);
        case btf_kind::structure:
        case btf_kind::union_:
            if (behind_pointer) {
                const bool is_union = l.kind == btf_kind::union_;
                return same or (t.kind == btf_kind::forward and is_union == t.flag);
            }
            return same and composites_match(l, t, behind_pointer, depth - 1);
        case btf_kind::integer: return same and l.size == t.size and l.is_signed() == t.is_signed();
        case btf_kind::function_prototype:
            if (not same or not prototypes_match(l, t, behind_pointer, depth - 1)) return false;
            break;
        case btf_kind::array:
            if (not same or l.extra != t.extra) return false;
            break;
        case btf_kind::pointer:
            if (not same) return false;
            behind_pointer = true;
            break;
        default: return false;
        }
        local = l.type;
        target = t.type;
    }
    return false;
}

bool core_matcher::forwards_match(const btf_type &l, const btf_type &t, bool behind_pointer) const {
    if (t.kind == btf_kind::forward) return l.flag == t.flag;
    const btf_kind whole_kind = l.flag ? btf_kind::union_ : btf_kind::structure;
    return behind_pointer and t.kind == whole_kind;
}

bool core_matcher::enums_match(const btf_type &l, const btf_type &t) {
    if (l.size != t.size or l.count > t.count) return false;
    const auto theirs = target_.enumerators(t);
    return std::ranges::all_of(local_.enumerators(l), [&](const btf_enumerator &e) {
        return std::ranges::any_of(theirs, [&](const btf_enumerator &other) {
            return work() and essential_name(e.name) == essential_name(other.name);
        });
    });
}

bool core_matcher::composites_match(const btf_type &l, const btf_type &t, bool behind_pointer,
                                    unsigned depth) {
    if (l.count > t.count) return false;
    const auto theirs = target_.members(t);
    return std::ranges::all_of(local_.members(l), [&](const btf_member &m) {
        return std::ranges::any_of(theirs, [&](const btf_member &other) {
            return work() and essential_name(m.name) == essential_name(other.name) and
                   types_match(m.type, other.type, behind_pointer, depth);
        });
    });
}

bool core_matcher::prototypes_match(const btf_type &l, const btf_type &t, bool behind_pointer,
                                    unsigned depth) {
    return std::ranges::equal(local_.parameters(l), target_.parameters(t),
                              [&](const btf_parameter &a, const btf_parameter &b) {
                                  return types_match(a.type, b.type, behind_pointer, depth);
                              });
}

}  // namespace bpftime::vm::object
