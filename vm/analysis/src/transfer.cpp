// bpftime-vm: what executing an instruction makes of what is known
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "transfer.hpp"

#include "number.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace bpftime::vm::analysis {

namespace {

using isa::operation;
using isa::operation_kind;
using isa::width;

constexpr unsigned first_argument = 1;
constexpr unsigned last_argument = max_helper_arguments;

bool has_imm(const isa::instruction &i) noexcept {
    return isa::info(isa::info(i.id).shape).imm == isa::imm_role::value;
}

uint64_t extended_imm(const isa::instruction &i) noexcept {
    return static_cast<uint64_t>(int64_t{i.imm});
}

/// The set of words that a value may be.
number words_of(const value &v) noexcept { return v.is_scalar() ? v.offset : number{}; }

bool fits_half(const value &v) noexcept {
    return v.is_scalar() and v.offset.umax <= std::numeric_limits<uint32_t>::max();
}

/// Whether it is some thing's address for sure.
bool is_address(const value &v) noexcept { return v.is_pointer() and not v.nullable; }

/// Whether an operation of 64 bits on two words that fit into 32 gives what that of 32 bits does.
bool stays_half(operation op, const number &a, const number &b) noexcept {
    constexpr uint64_t most = std::numeric_limits<uint32_t>::max();
    switch (op) {
    case operation::mov:
    case operation::and_:
    case operation::or_:
    case operation::xor_:
    case operation::div:
    case operation::mod: return true;
    case operation::add: return a.umax + b.umax <= most;
    case operation::sub: return a.umin >= b.umax;
    case operation::mul: return b.umax == 0 or a.umax <= most / b.umax;
    case operation::lsh: return b.umax < 32 and a.umax << b.umax <= most;
    case operation::rsh: return b.umax < 32;
    default: return false;
    }
}

constexpr uint32_t slot_bytes = 8;

uint32_t slot_of(wide offset) noexcept { return static_cast<uint32_t>((-offset - 1) / slot_bytes); }

/// Whether a conversion leaves all words of a set alone.
bool keeps(operation op, width w, const number &n) noexcept {
    const auto fits = [&](unsigned bits) {
        const int64_t most = (int64_t{1} << (bits - 1)) - 1;
        return n.smax <= most and n.smin >= (w == width::w64 ? -most - 1 : 0);
    };
    switch (op) {
    case operation::movsx8: return fits(8);
    case operation::movsx16: return fits(16);
    case operation::movsx32: return fits(32);
    case operation::le: return w == width::w64 or n.umax >> isa::bits_of(w) == 0;
    default: return false;
    }
}

/// A result that times `divisor` is no greater than the operand keeps within what that keeps
/// within.
void shrink_relations(const value &from, uint64_t divisor, value &to) noexcept {
    to.gap = from.gap;
    uint64_t scale = 0;
    const bool is_kept = not __builtin_mul_overflow(from.limit.scale, divisor, &scale) and
                         std::in_range<uint32_t>(scale);
    to.limit = make_bound(from.limit.length, from.limit.slack,
                          is_kept ? static_cast<uint32_t>(scale) : from.limit.scale);
}

/// The same for products.
void multiply_relations(const value &from, uint64_t factor, value &to) noexcept {
    if (factor == 0 or not std::in_range<uint32_t>(factor)) return;
    const bool wraps =
        most_of(from) * static_cast<int64_t>(factor) > wide{std::numeric_limits<uint64_t>::max()};
    if (not wraps and from.limit.scale % factor == 0)
        to.limit = make_bound(from.limit.length, from.limit.slack,
                              static_cast<uint32_t>(from.limit.scale / factor));
    const bool is_linked = from.link.of != 0;
    const uint64_t scale = is_linked ? from.link.scale * factor : factor;
    const uint64_t addend =
        static_cast<uint64_t>(is_linked ? from.link.addend : from.delta) * factor;
    if (std::in_range<uint32_t>(scale))
        to.link = {is_linked ? from.link.of : from.id, static_cast<uint32_t>(scale),
                   static_cast<int64_t>(addend)};
}

value frame_address() noexcept {
    value v;
    v.kind = value_kind::frame;
    v.offset = number::constant(0);
    return v;
}

}  // namespace

// --- values

value transfer::scalar(uint32_t pc, const number &n) const {
    value v;
    v.kind = value_kind::scalar;
    v.id = n.is_constant() ? 0 : result_number(pc);
    v.offset = n;
    return v;
}

value transfer::unknown(uint32_t pc) const {
    value v;
    v.id = result_number(pc);
    return v;
}

/// A value and a constant.
value transfer::moved(const value &v, int64_t by) {
    if (by == 0) return v;
    value out = v;
    out.delta = static_cast<int64_t>(static_cast<uint64_t>(v.delta) + static_cast<uint64_t>(by));
    if (v.link.of != 0)
        out.link.addend =
            static_cast<int64_t>(static_cast<uint64_t>(v.link.addend) + static_cast<uint64_t>(by));
    if (v.cover.allowed != permission::none) {
        const wide begin = v.cover.begin - wide{by};
        const wide end = v.cover.end - wide{by};
        constexpr auto fits = [](wide n) { return n >= INT32_MIN and n <= INT32_MAX; };
        out.cover = fits(begin) and fits(end) and fits(by)
                        ? analysis::cover{static_cast<int32_t>(begin), static_cast<int32_t>(end),
                                          v.cover.allowed, v.cover.at_once}
                        : analysis::cover{};
    }
    if (v.nullable or v.kind == value_kind::map) {
        out.kind = value_kind::unknown;
        out.nullable = false;
        out.offset = {};
        out.link = {};  // it was the offset's; of an unknown word it would be the word's
    }
    if (out.kind == value_kind::unknown or may_wrap(v, by)) {
        out.limit = {};
        out.gap = {};
    } else {
        shift_relations(out, by);
    }
    if (out.kind != value_kind::unknown)
        out.offset = analysis::alu(operation::add, width::w64, v.offset,
                                   number::constant(static_cast<uint64_t>(by)));
    return out;
}

/// An address and a number that is not constant.
value transfer::pointer_plus(uint32_t pc, const state &s, const value &p, const value &n) const {
    value out = unknown(pc);
    const number by = words_of(n);
    out.kind = p.kind;
    out.index = p.index;
    out.offset = analysis::alu(operation::add, width::w64, p.offset, by);
    const bool wraps = most_of(p) + by.smax > wide{std::numeric_limits<int64_t>::max()} or
                       least_of(p) + by.smin < wide{std::numeric_limits<int64_t>::min()};
    const length_kind length = length_of(p.kind);
    if (length != length_kind::none and not wraps) {
        // A number with a bound is none that is negative.
        const auto of_number = n.is_scalar() and least_of(n) >= 0 and by.smin >= 0
                                   ? slack_of(s, n, length)
                                   : std::nullopt;
        if (of_number)
            out.limit =
                make_bound(length, *of_number - most_of(p), 1,
                           n.limit.exact and n.limit.length == length and p.offset.is_constant());
        if (const auto of_pointer = slack_of(s, p, length))
            out.limit = better(out.limit, make_bound(length, *of_pointer - wide{by.smax}));
        if (of_number and least_of(p) >= 0) {
            const bound steep = steepest_bound(s, n, length);
            const bound steeper =
                p.offset.is_constant()
                    ? make_bound(length, steep.slack - steep.scale * most_of(p), steep.scale)
                    : bound_of_sum(steepest_bound(s, p, length), steep);
            if (steep.length == length) out.limit = tighter(out, steeper);
        }
    }
    if (p.gap.of != 0 and not wraps)
        out.gap = make_gap(p.gap.of, p.gap.of_delta, p.gap.distance - wide{by.smax});
    if (p.offset.is_constant()) {
        const auto start = p.offset.umin;
        if (n.link.of != 0 and n.is_scalar())
            out.link = {n.link.of, n.link.scale,
                        static_cast<int64_t>(static_cast<uint64_t>(n.link.addend) + start)};
        else if (n.id != 0)
            out.link = {n.id, 1, static_cast<int64_t>(static_cast<uint64_t>(n.delta) + start)};
    }
    return out;
}

value transfer::add(uint32_t pc, const state &s, const value &a, const value &b) {
    if (b.is_scalar() and b.offset.is_constant()) return moved(a, b.offset.smin);
    if (a.is_scalar() and a.offset.is_constant()) return moved(b, a.offset.smin);
    if (is_address(a) and not b.is_pointer()) return pointer_plus(pc, s, a, b);
    if (is_address(b) and not a.is_pointer()) return pointer_plus(pc, s, b, a);
    if (not a.is_scalar() or not b.is_scalar()) return unknown(pc);
    value out = scalar(pc, analysis::alu(operation::add, width::w64, a.offset, b.offset));
    if (most_of(a) + most_of(b) > wide{std::numeric_limits<uint64_t>::max()}) return out;
    const auto shifted = [](const bound &l, const value &by) {
        return make_bound(l.length, l.slack - most_of(by) * l.scale, l.scale);
    };
    out.limit = better(shifted(a.limit, b), shifted(b.limit, a));
    return out;
}

/// How far two addresses of one thing are from each other, or two numbers.
value transfer::difference(uint32_t pc, const state &s, const value &a, const value &b) const {
    value out = scalar(pc, analysis::alu(operation::sub, width::w64, a.offset, b.offset));
    const auto distance = distance_of(s, b, a);
    if (not distance or *distance < 0) return out;
    const wide most =
        std::min(most_of(a) - least_of(b), wide{std::numeric_limits<uint64_t>::max()});
    number sure = range_of(static_cast<uint64_t>(*distance), static_cast<uint64_t>(most));
    if (intersect(sure, out.offset)) out.offset = sure;
    if (a.limit.length != length_kind::none)
        out.limit = make_bound(a.limit.length, a.limit.slack + a.limit.scale * least_of(b),
                               a.limit.scale, a.limit.exact and b.offset.is_constant());
    return out;
}

/// From an address to the end of its memory, where `end` is that end and some bytes.
value transfer::length_left(uint32_t pc, const state &s, const value &end, const value &at,
                            length_kind length) const {
    value out = scalar(pc, {});
    const wide behind = most_of(end) - least_of(at);
    const wide least =
        s.least_lengths[static_cast<std::size_t>(length)] + least_of(end) - most_of(at);
    if (least < 0 or behind > wide{most_bytes}) return out;
    out.offset = range_of(static_cast<uint64_t>(least), static_cast<uint64_t>(most_bytes + behind));
    out.limit =
        make_bound(length, -behind, 1, end.offset.is_constant() and at.offset.is_constant());
    return out;
}

value transfer::subtract(uint32_t pc, const state &s, const value &a, const value &b) {
    if (b.is_scalar() and b.offset.is_constant())
        return moved(a, static_cast<int64_t>(0 - b.offset.umin));
    if (a.id != 0 and a.id == b.id)
        return value::constant(static_cast<uint64_t>(a.delta) - static_cast<uint64_t>(b.delta));
    if (is_comparable(a, b)) return difference(pc, s, a, b);
    if (is_address(a) and is_address(b)) {
        if (a.kind == value_kind::packet_end and b.kind == value_kind::packet)
            return length_left(pc, s, a, b, length_kind::packet);
        if (a.kind == value_kind::packet and b.kind == value_kind::packet_meta)
            return length_left(pc, s, a, b, length_kind::meta);
    }
    if (is_address(a) and b.is_scalar()) {
        value negative;
        negative.kind = value_kind::scalar;
        negative.offset = analysis::alu(operation::sub, width::w64, number::constant(0), b.offset);
        return pointer_plus(pc, s, a, negative);
    }
    return scalar(pc, {});
}

value transfer::alu64(uint32_t pc, const state &s, operation op, const value &dst,
                      const value &src) {
    if (op == operation::mov) return src;
    if (op == operation::add) return add(pc, s, dst, src);
    if (op == operation::sub) return subtract(pc, s, dst, src);
    value out = scalar(pc, analysis::alu(op, width::w64, words_of(dst), words_of(src)));
    if (not dst.is_scalar() or not src.is_scalar()) return out;
    const uint64_t k = src.offset.umin;
    const bool is_constant = src.offset.is_constant();
    switch (op) {
    case operation::and_:
    case operation::mod: shrink_relations(dst, 1, out); break;
    case operation::rsh:
        shrink_relations(dst, is_constant ? uint64_t{1} << (k & 63) : 1, out);
        break;
    case operation::div: shrink_relations(dst, is_constant and k != 0 ? k : 1, out); break;
    case operation::lsh:
        if (is_constant) multiply_relations(dst, uint64_t{1} << (k & 63), out);
        break;
    case operation::mul:
        if (is_constant) multiply_relations(dst, k, out);
        break;
    default: break;
    }
    return out;
}

/// Where both operands and the result of 64 bits fit into 32, those of 32 bits give the same.
value transfer::alu(uint32_t pc, const state &s, operation op, width w, const value &dst,
                    const value &src) {
    if (w == width::w64) return alu64(pc, s, op, dst, src);
    if (fits_half(src) and (op == operation::mov or fits_half(dst)) and
        stays_half(op, dst.offset, src.offset))
        return alu64(pc, s, op, dst, src);
    value out = scalar(pc, analysis::alu(op, w, words_of(dst), words_of(src)));
    if (op == operation::mov and src.is_scalar()) {
        // The low half of a word is no greater than it.
        out.gap = src.gap;
        out.limit = src.limit;
        out.limit.exact = false;
        static_cast<void>(clamp(out));
    }
    return out;
}

void transfer::execute_alu(uint32_t pc, state &s) {
    const isa::instruction &i = code_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    value &dst = s.registers[i.dst];
    if (i.id == isa::insn_id::mov64_reg) {
        dst = s.registers[i.src];
        return;
    }
    const value src = has_imm(i) ? value::constant(extended_imm(i)) : s.registers[i.src];
    const bool is_zero_of_itself =
        not has_imm(i) and i.src == i.dst and
        (row.operation == operation::xor_ or row.operation == operation::sub);
    if (is_zero_of_itself) {
        dst = value::constant(0);
        return;
    }
    dst = alu(pc, s, row.operation, row.width, dst, src);
}

void transfer::execute_convert(uint32_t pc, state &s) {
    const isa::instruction &i = code_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const bool has_source = isa::info(row.shape).src == isa::register_role::read;
    const value &from = s.registers[has_source ? i.src : i.dst];
    if (row.operation == operation::addr_space_cast) {
        s.registers[i.dst] = unknown(pc);
        return;
    }
    if (from.is_scalar() and keeps(row.operation, row.width, from.offset)) {
        const value same = from;
        s.registers[i.dst] = same;
    } else {
        s.registers[i.dst] = scalar(pc, convert(row.operation, row.width, words_of(from)));
    }
}

void transfer::execute_wide(uint32_t pc, state &s) {
    const isa::instruction &i = code_.insn(pc);
    value &dst = s.registers[i.dst];
    const wide_value given = world_.wide(pc);
    dst = unknown(pc);
    if (i.id == isa::insn_id::lddw_code)
        note_function(value::constant(code_handle(code_.callee_pc(pc))));
    switch (given.what) {
    case wide_value::kind::constant:
        dst = value::constant(i.id == isa::insn_id::lddw_code ? code_handle(code_.callee_pc(pc))
                                                              : code_.wide_imm(pc));
        return;
    case wide_value::kind::map:
        dst.kind = value_kind::map;
        dst.index = given.index;
        return;
    case wide_value::kind::memory:
        dst.kind = value_kind::memory;
        dst.index = given.index;
        dst.offset = number::constant(given.offset);
        if (memories_.size() <= given.index) memories_.resize(given.index + 1);
        memories_[given.index] = given;
        return;
    case wide_value::kind::unknown: return;
    }
}

// --- memory

transfer::place transfer::place_of(const value &base, int64_t offset, uint64_t size,
                                   permission wanted) const {
    if (not base.is_pointer()) return {base, offset, size, wanted, 0, -1};
    return {base, offset, size, wanted, least_of(base) + offset, most_of(base) + offset};
}

wide_value transfer::memory_of(const value &base) const {
    switch (base.kind) {
    case value_kind::map_value: {
        const map_facts map = world_.map(base.index);
        return {.size = map.result_size, .allowed = map.allowed, .alignment = map.alignment};
    }
    case value_kind::memory:
        return base.index < memories_.size() ? memories_[base.index] : wide_value{};
    case value_kind::granted: {
        const auto *const helper = world_.helper(static_cast<uint32_t>(code_.insn(base.index).imm));
        if (helper == nullptr) return {};
        return {.size = helper->result_size, .allowed = permission::read_write};
    }
    case value_kind::input: return {.allowed = input_.allowed, .alignment = input_.alignment};
    case value_kind::packet:
        return {.allowed = world_.packet().allowed, .alignment = world_.packet().alignment};
    case value_kind::packet_end:
    case value_kind::packet_meta: return {.allowed = world_.packet().allowed};
    case value_kind::frame: return {.allowed = permission::read_write, .alignment = slot_bytes};
    default: return {};
    }
}

/// Whether all of it is in memory that the program has, whatever it may do there.
bool transfer::is_inside(const place &at, const state &s) const {
    const auto size = static_cast<int64_t>(at.size);
    switch (at.base.kind) {
    case value_kind::frame: return at.least >= -frame_size_ and at.most + size <= 0;
    case value_kind::packet_end: {
        const auto length = s.least_lengths[static_cast<std::size_t>(length_kind::packet)];
        return at.least >= -wide{length} and at.most + size <= 0;
    }
    case value_kind::input:
    case value_kind::packet:
    case value_kind::packet_meta: {
        if (at.least < 0) return false;
        const auto slack = slack_of(s, at.base, length_of(at.base.kind));
        return slack and wide{*slack} - at.offset >= size;
    }
    default: return at.least >= 0 and at.most + size <= wide{memory_of(at.base).size};
    }
}

/// Whether no byte that the program has can be the first one, or the last.
bool transfer::is_outside(const place &at) const {
    constexpr wide first_page = 4096;
    const value &base = at.base;
    if (base.is_scalar()) {
        const wide least = least_of(base) + at.offset;
        return least >= 0 and most_of(base) + at.offset < first_page;
    }
    if (base.nullable or not base.is_pointer() or at.size == 0) return false;
    const auto size = static_cast<int64_t>(at.size);
    switch (base.kind) {
    case value_kind::frame:
        return (at.least + size > 0 and at.most < frame_size_) or
               (at.most < -frame_size_ and at.least >= -2 * wide{frame_size_});
    case value_kind::input:
    case value_kind::packet: return at.most < 0 and at.least > -first_page;
    case value_kind::map_value:
    case value_kind::memory:
    case value_kind::granted: {
        const wide length = memory_of(base).size;
        return (at.least + size > length and at.most < length + first_page) or
               (at.most < 0 and at.least > -first_page);
    }
    default: return false;
    }
}

bool transfer::is_aligned(const place &at) const {
    if (at.size <= 1) return true;
    if (not std::has_single_bit(at.size)) return false;
    if (not at.base.is_pointer() or at.base.nullable) return false;
    if (memory_of(at.base).alignment % at.size != 0) return false;
    const auto mask = at.size - 1;
    const known_bits &bits = at.base.offset.bits;
    return (bits.unknown & mask) == 0 and
           ((bits.value + static_cast<uint64_t>(at.offset)) & mask) == 0;
}

access_facts transfer::judge(const place &at, const state &s) const {
    access_facts out{.what = verdict::check, .region = at.base.kind};
    out.is_aligned = is_aligned(at);
    out.base = at.base.id;
    out.distance = static_cast<int64_t>(static_cast<uint64_t>(at.base.delta) +
                                        static_cast<uint64_t>(at.offset));
    out.is_non_null = at.base.is_pointer() and not at.base.nullable;
    const cover &known = at.base.cover;
    const bool is_inside_memory =
        at.base.is_pointer() and not at.base.nullable and is_inside(at, s);
    if (at.base.is_pointer()) {
        out.index = at.base.index;
        if (at.least >= std::numeric_limits<int64_t>::min() and
            at.most <= std::numeric_limits<int64_t>::max()) {
            out.least_offset = static_cast<int64_t>(at.least);
            out.most_offset = static_cast<int64_t>(at.most);
        }
    }
    if (is_inside_memory)
        out.what =
            allows(memory_of(at.base).allowed, at.wanted) ? verdict::proven : verdict::faults;
    else if (known.covers(at.offset, at.offset + static_cast<int64_t>(at.size), at.wanted))
        out.what = verdict::covered;
    else if (is_outside(at))
        out.what = verdict::faults;
    return out;
}

access_facts transfer::access(uint32_t pc, const place &at, const state &s) {
    const access_facts out = judge(at, s);
    if (recorder_ != nullptr) recorder_->access(pc, out);
    return out;
}

/// How far from an address bytes may be that it is known to be checked for: far below what an
/// offset in a cover can be.
constexpr int64_t farthest_cover = int64_t{1} << 30;

/// The check of an access has passed: all who have its address know.
void transfer::note_checked(const access_facts &a, const place &at, state &s) const {
    if (a.what != verdict::check or world_.has_arena()) return;
    const value_number id = at.base.id;
    if (id == 0) return;
    const auto tell = [&](value &v) {
        const auto by = static_cast<int64_t>(static_cast<uint64_t>(v.delta) -
                                             static_cast<uint64_t>(at.base.delta));
        if (by < -farthest_cover or by > farthest_cover) return;
        const int64_t begin = at.offset - by;
        const int64_t end = begin + static_cast<int64_t>(at.size);
        if (begin < -farthest_cover or end > farthest_cover or
            v.cover.covers(begin, end, at.wanted))
            return;
        const bool is_same = v.cover.begin == begin and v.cover.end == end;
        const auto allowed =
            static_cast<permission>(static_cast<uint8_t>(at.wanted) |
                                    (is_same ? static_cast<uint8_t>(v.cover.allowed) : uint8_t{0}));
        v.cover = {static_cast<int32_t>(begin), static_cast<int32_t>(end), allowed,
                   at.wanted == permission::read_write};
    };
    for_each_value(s, [&](value &v) {
        if (v.id == id) tell(v);
    });
}

std::optional<value> transfer::packet_field_at(const access_facts &a, const place &at) const {
    if (not has_packet_ or a.region != value_kind::input or a.what != verdict::proven or
        not at.is_exact() or at.size != slot_bytes)
        return std::nullopt;
    const auto fields = world_.packet_fields();
    const auto found = std::ranges::find_if(
        fields, [&](const packet_field &f) { return wide{f.offset} == at.least; });
    if (found == fields.end()) return std::nullopt;
    constexpr value_kind kinds[] = {value_kind::packet_meta, value_kind::packet,
                                    value_kind::packet_end};
    value v;
    v.kind = kinds[static_cast<std::size_t>(found->edge)];
    v.id = first_field_number + static_cast<uint32_t>(found->edge);
    v.offset = number::constant(0);
    return v;
}

value transfer::loaded(uint32_t pc, const access_facts &a, const place &at, bool is_signed,
                       state &s) {
    if (const auto field = packet_field_at(a, at)) return *field;
    const auto w = static_cast<width>(at.size * 8);
    const value any = at.size == slot_bytes
                          ? unknown(pc)
                          : scalar(pc, is_signed ? sign_extend({}, w) : zero_extend({}, w));
    const bool is_known_place = a.region == value_kind::frame and a.index == 0 and
                                a.what == verdict::proven and at.is_exact();
    if (not is_known_place) return any;
    const auto slot = std::ranges::find_if(s.slots, [&](const stack_slot &held) {
        return at.least == -wide{slot_bytes} * (held.index + 1);
    });
    if (slot == s.slots.end()) return any;
    if (at.size == slot_bytes) return slot->what;
    if (slot->what.is_scalar())
        return scalar(
            pc, is_signed ? sign_extend(slot->what.offset, w) : zero_extend(slot->what.offset, w));
    return any;
}

void transfer::execute_load(uint32_t pc, state &s) {
    const isa::instruction &i = code_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const value base = s.registers[i.src];
    const place at = place_of(base, i.offset, isa::bytes_of(row.width), permission::read);
    const access_facts a = access(pc, at, s);
    note_checked(a, at, s);
    s.registers[i.dst] = loaded(pc, a, at, row.operation == operation::load_sx, s);
}

/// Of the own frame.
void transfer::write_frame(const frame_range &bytes, state &s) {
    std::erase_if(s.slots, [&](const stack_slot &slot) {
        const int64_t begin = -int64_t{slot_bytes} * (slot.index + 1);
        const int64_t end = begin + slot_bytes;
        return bytes.begin < end and begin < bytes.end;
    });
}

void transfer::write_anywhere(uint32_t f, state &s) {
    s.slots.clear();
    found_.functions[f].writes_frames = true;
}

void transfer::store(uint32_t f, const access_facts &a, const place &at, const value *what,
                     bool forgets, state &s) {
    const bool keeps_whole = what != nullptr and at.size == slot_bytes;
    if (a.what != verdict::proven) {
        if (frames_escape_ or a.region == value_kind::frame) write_anywhere(f, s);
        return;
    }
    if (a.region != value_kind::frame) {
        // What a helper gave may be memory that it got: a frame.
        if (a.region == value_kind::granted and frames_escape_) write_anywhere(f, s);
        return;
    }
    const frame_range bytes{a.least_offset, a.most_offset + static_cast<int64_t>(at.size)};
    if (a.index != 0) {
        function_summary &summary = found_.functions[f];
        if (a.index > 1)
            summary.writes_frames = true;
        else if (summary.written.is_empty())
            summary.written = bytes;
        else
            summary.written = {std::min(summary.written.begin, bytes.begin),
                               std::max(summary.written.end, bytes.end)};
        return;
    }
    write_frame(bytes, s);
    if (what == nullptr) return;
    const bool is_slot = keeps_whole and at.is_exact() and bytes.begin % slot_bytes == 0 and
                         slot_of(at.least) < most_slots;
    const bool is_known = what->kind != value_kind::unknown or what->id != 0;
    if (is_slot and not forgets and is_known) {
        const uint32_t index = slot_of(at.least);
        const auto where = std::ranges::lower_bound(s.slots, index, {}, &stack_slot::index);
        s.slots.insert(where, {index, *what});
    }
}

void transfer::execute_store(uint32_t pc, uint32_t f, state &s) {
    const isa::instruction &i = code_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const value base = s.registers[i.dst];
    const value what = has_imm(i) ? value::constant(extended_imm(i)) : s.registers[i.src];
    const place at = place_of(base, i.offset, isa::bytes_of(row.width), permission::write);
    const access_facts a = access(pc, at, s);
    // What nobody asks about is not kept, but written all the same.
    const bool by_r10 = i.dst == isa::frame_pointer;
    store(f, a, at, &what, by_r10 and not needs_.needs_stored(pc), s);
    note_checked(a, at, s);
}

void transfer::execute_atomic(uint32_t pc, uint32_t f, state &s) {
    const isa::instruction &i = code_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const bool loads = row.operation == operation::load_acquire;
    const bool stores = row.operation == operation::store_release;
    const value base = s.registers[loads ? i.src : i.dst];
    const permission wanted = loads    ? permission::read
                              : stores ? permission::write
                                       : permission::read_write;
    const place at = place_of(base, i.offset, isa::bytes_of(row.width), wanted);
    const access_facts a = access(pc, at, s);
    if (loads) {
        note_checked(a, at, s);
        s.registers[i.dst] = loaded(pc, a, at, false, s);
        return;
    }
    if (stores) {
        const value what = s.registers[i.src];
        store(f, a, at, &what, false, s);
        note_checked(a, at, s);
        return;
    }
    store(f, a, at, nullptr, true, s);
    note_checked(a, at, s);
    const value old =
        row.width == width::w64 ? unknown(pc) : scalar(pc, zero_extend({}, row.width));
    if (row.operation == operation::atomic_cmpxchg) {
        s.registers[0] = old;
    } else if (isa::info(row.shape).src == isa::register_role::update) {
        s.registers[i.src] = old;
    }
}

// --- calls

void transfer::take_away(uint32_t f, state &s) {
    found_.functions[f].takes_away = true;
    for_each_value(s, [](value &v) {
        v.cover = {};
        if (v.kind != value_kind::granted) return;
        v.kind = value_kind::unknown;
        v.nullable = false;
        v.offset = {};
        v.limit = {};
        v.gap = {};
        v.link = {};
    });
}

void transfer::move_packet(uint32_t f, state &s) {
    if (not has_packet_) return;
    found_.functions[f].moves_packet = true;
    const auto is_of_packet = [](length_kind l) {
        return l == length_kind::packet or l == length_kind::meta;
    };
    for_each_value(s, [&](value &v) {
        if (is_of_packet(v.limit.length)) v.limit = {};
        // The names of fields are those of the new packet's from now on.
        if (is_field_number(v.gap.of)) v.gap = {};
        if (is_field_number(v.link.of)) v.link = {};
        if (is_field_number(v.id)) v.id = 0;
        const bool points_into = v.kind >= value_kind::packet and v.kind <= value_kind::packet_meta;
        if (not points_into) return;
        const value_number id = v.id;
        const int64_t delta = v.delta;
        v = {};
        v.id = id;
        v.delta = delta;
    });
    s.least_lengths[static_cast<std::size_t>(length_kind::packet)] = 0;
    s.least_lengths[static_cast<std::size_t>(length_kind::meta)] = 0;
}

void transfer::finish_call(const value &result, state &s) const {
    s.registers[0] = result;
    for (unsigned r = first_argument; r <= last_argument; ++r) s.registers[r] = value::constant(0);
}

namespace {

constexpr uint32_t most_plain_joins = 4;

value join_results(const value &a, const value &b, bool widens) noexcept {
    value out;
    if (a.kind != b.kind or a.index != b.index or a.kind == value_kind::unknown) return out;
    out.kind = a.kind;
    out.index = a.index;
    out.nullable = a.nullable or b.nullable;
    out.offset = widens ? widen(a.offset, b.offset, {}) : join(a.offset, b.offset);
    const bool is_same = a.limit.length == b.limit.length and a.limit.scale == b.limit.scale;
    if (a.limit == b.limit)
        out.limit = a.limit;
    else if (is_same and not widens)
        out.limit = {a.limit.length, false, a.limit.scale, std::min(a.limit.slack, b.limit.slack)};
    return out;
}

}  // namespace

void transfer::note_return(uint32_t f, const value &result) {
    value plain = result;
    plain.id = 0;
    plain.delta = 0;
    plain.gap = {};
    plain.link = {};
    plain.cover = {};
    if (plain.kind == value_kind::frame) plain = {};
    function_summary &summary = found_.functions[f];
    if (not summary.returns) {
        summary.returns = true;
        summary.result = plain;
        return;
    }
    value &old = summary.result;
    const value joined = join_results(old, plain, summary.changes > most_plain_joins);
    if (joined == old) return;
    old = joined;
    ++summary.changes;
}

void transfer::note_function(const value &handle) {
    if (not handle.is_scalar() or not handle.offset.is_constant()) {
        found_.anything_called_by_value = true;
    } else if (code_.is_callable(handle.offset.umin)) {
        const uint32_t f = code_.function_at(handle_pc(handle.offset.umin));
        if (std::ranges::find(found_.called_by_value, f) == found_.called_by_value.end())
            found_.called_by_value.push_back(f);
    }
}

/// A call of some function or helper.
void transfer::call_anything(uint32_t pc, uint32_t f, state &s, const value &target) {
    note_function(target);
    if (frames_escape_) write_anywhere(f, s);
    take_away(f, s);
    move_packet(f, s);
    finish_call(unknown(pc), s);
}

namespace {

/// The map that the arguments before the one at `i` name.
const value *map_argument(const helper_declaration &d, const state &s) noexcept {
    for (unsigned i = 0; i < max_helper_arguments; ++i) {
        if (d.arguments[i].kind == argument_kind::map) {
            const value &v = s.registers[first_argument + i];
            return v.kind == value_kind::map ? &v : nullptr;
        }
    }
    return nullptr;
}

/// Whether a call of the helper may take memory from the program that helpers gave before. Those
/// that are declared may only if they get its address, and it is none of these.
bool may_take_away(const helper_declaration &d, const state &s) noexcept {
    if (d.typed and d.purity != helper_purity::impure) return false;
    if (d.runs_code() or not d.typed) return true;
    for (unsigned i = 0; i < d.arity(); ++i) {
        const value &v = s.registers[first_argument + i];
        switch (d.arguments[i].kind) {
        case argument_kind::map:
        case argument_kind::map_key:
        case argument_kind::map_value:
        case argument_kind::map_value_write:
        case argument_kind::memory_size: break;
        default:
            if (not v.is_scalar() or v.offset.umax > std::numeric_limits<uint16_t>::max())
                return true;
        }
    }
    return false;
}

}  // namespace

std::optional<transfer::place> transfer::argument_place(const helper_declaration &d, unsigned i,
                                                        const state &s) const {
    const argument_declaration &a = d.arguments[i];
    const permission wanted = permission_of(a.kind);
    if (wanted == permission::none) return std::nullopt;
    const value &at = s.registers[first_argument + i];
    uint64_t size = a.size;
    if (depends_on_map(a.kind)) {
        const value *const map = map_argument(d, s);
        if (map == nullptr) return std::nullopt;
        const map_facts shape = world_.map(map->index);
        size = a.kind == argument_kind::map_key ? shape.key_size : shape.value_size;
    } else if (size == 0) {
        const bool has_size =
            i + 1 < max_helper_arguments and d.arguments[i + 1].kind == argument_kind::memory_size;
        if (not has_size) return std::nullopt;
        const value &given = s.registers[first_argument + i + 1];
        if (not given.is_scalar() or given.offset.umax > most_bytes) return std::nullopt;
        size = given.offset.umax;
    }
    return place_of(at, 0, size, wanted);
}

/// Which of the checks of its arguments cannot fail.
void transfer::prove_arguments(uint32_t pc, const helper_declaration &d, const state &s) {
    if (recorder_ == nullptr or not d.typed) return;
    uint8_t proven = 0;
    for (unsigned i = 0; i < max_helper_arguments; ++i) {
        const argument_kind kind = d.arguments[i].kind;
        if (not is_checked(kind)) continue;
        const value &v = s.registers[first_argument + i];
        const auto at = argument_place(d, i, s);
        const bool is_null = v.is_scalar() and v.offset.umax == 0;
        const bool is_proven = kind == argument_kind::map ? v.kind == value_kind::map
                               : not at                   ? false
                               : is_null                  ? d.arguments[i].may_be_null
                                                          : judge(*at, s).what == verdict::proven;
        if (is_proven or (at and at->size == 0)) proven = static_cast<uint8_t>(proven | 1U << i);
    }
    recorder_->proven_arguments(pc, proven);
}

/// Whether the helper may write to addresses that its declaration does not call so: in arguments
/// that are declared words, or memory to be read, where addresses may be.
bool transfer::may_write_elsewhere(const helper_declaration &d, const state &s) noexcept {
    for (unsigned i = 0; i < d.arity(); ++i) {
        switch (d.arguments[i].kind) {
        case argument_kind::unused:
        case argument_kind::memory_size:
        case argument_kind::context:
        case argument_kind::map:
        case argument_kind::map_key:
        case argument_kind::map_value: break;
        case argument_kind::scalar:
            if (const value &v = s.registers[first_argument + i];
                v.is_scalar() and v.offset.umax <= std::numeric_limits<uint16_t>::max())
                break;
            return true;
        case argument_kind::map_value_write:
        case argument_kind::memory_write: break;  // what is there now, it does not read
        default: return true;
        }
    }
    return false;
}

/// Forgets what the helper writes.
void transfer::apply_writes(uint32_t f, const helper_declaration &d, state &s) {
    if (d.typed and d.purity != helper_purity::impure and not d.runs_code()) return;
    if (not d.declares_arguments() or d.runs_code()) {
        if (frames_escape_) write_anywhere(f, s);
        return;
    }
    if (frames_escape_ and may_write_elsewhere(d, s)) write_anywhere(f, s);
    for (unsigned i = 0; i < max_helper_arguments; ++i) {
        const argument_kind kind = d.arguments[i].kind;
        if (not allows_write(permission_of(kind))) continue;
        const value written = s.registers[first_argument + i];
        const auto at = argument_place(d, i, s);
        if (at and at->size == 0) continue;
        const access_facts a =
            at ? judge(*at, s) : access_facts{.what = verdict::check, .region = written.kind};
        store(f, a, at ? *at : place_of(written, 0, 1, permission::write), nullptr, true, s);
    }
}

value transfer::result_of(uint32_t pc, const helper_declaration &d, const state &s) const {
    value v = unknown(pc);
    if (not d.typed) return v;
    switch (d.result) {
    case result_kind::scalar: v.kind = value_kind::scalar; return v;
    case result_kind::pointer:
    case result_kind::pointer_or_null:
        if (d.result_size == 0) return v;
        v.kind = value_kind::granted;
        v.index = pc;
        break;
    case result_kind::map_value_or_null: {
        const value *const map = map_argument(d, s);
        if (map == nullptr or world_.map(map->index).result_size == 0) return v;
        v.kind = value_kind::map_value;
        v.index = map->index;
        break;
    }
    case result_kind::tail_call: return value::constant(0);
    default: return v;
    }
    // Helpers that promise a pointer may give none all the same.
    v.nullable = true;
    v.offset = number::constant(0);
    return v;
}

bool transfer::call_helper(uint32_t pc, uint32_t f, state &s) {
    const auto id = static_cast<uint32_t>(code_.insn(pc).imm);
    const helper_declaration *const known = world_.helper(id);
    static const helper_declaration opaque{};
    const helper_declaration &d = known == nullptr ? opaque : *known;
    if (d.typed and d.result == result_kind::never) return false;
    prove_arguments(pc, d, s);
    for (unsigned i = 0; i < max_helper_arguments; ++i) {
        if (d.arguments[i].kind == argument_kind::function)
            note_function(s.registers[first_argument + i]);
    }
    const value result = result_of(pc, d, s);
    const bool takes = may_take_away(d, s);
    apply_writes(f, d, s);
    if (takes) take_away(f, s);
    if (d.runs_code() or world_.moves_packet(id)) move_packet(f, s);
    if (d.typed and d.result == result_kind::ends_run) return false;
    // The other program's result is that of this function.
    if (d.typed and d.result == result_kind::tail_call) note_return(f, {});
    finish_call(result, s);
    return true;
}

bool transfer::call_local(uint32_t pc, uint32_t f, state &s) {
    if (distrusts_calls_) {
        if (frames_escape_) write_anywhere(f, s);
        take_away(f, s);
        move_packet(f, s);
        finish_call(unknown(pc), s);
        return true;
    }
    const function_summary callee = found_.functions[code_.function_at(code_.callee_pc(pc))];
    if (not callee.returns) return false;
    if (callee.writes_frames) write_anywhere(f, s);
    if (not callee.written.is_empty()) write_frame(callee.written, s);
    if (callee.takes_away) take_away(f, s);
    if (callee.moves_packet) move_packet(f, s);
    value result = callee.result;
    result.id = result_number(pc);
    if (result.is_scalar() and result.offset.is_constant()) result.id = 0;
    note_length(s, result);
    finish_call(result, s);
    return true;
}

bool transfer::execute_call(uint32_t pc, uint32_t f, state &s) {
    const isa::instruction &i = code_.insn(pc);
    switch (isa::info(i.id).operation) {
    case operation::call_local: return call_local(pc, f, s);
    case operation::call_helper: return call_helper(pc, f, s);
    case operation::callx: {
        const value target =
            s.registers[i.id == isa::insn_id::callx_imm ? static_cast<unsigned>(i.imm) : i.dst];
        call_anything(pc, f, s, target);
        return true;
    }
    default: call_anything(pc, f, s, value::constant(0)); return true;
    }
}

/// Reads the input memory or asks the host, or ends the function with 0.
void transfer::execute_packet_load(uint32_t pc, uint32_t f, state &s) {
    const isa::instruction &i = code_.insn(pc);
    if (world_.calls_for_packet_loads()) {
        if (frames_escape_) write_anywhere(f, s);
        take_away(f, s);
        move_packet(f, s);
    }
    note_return(f, value::constant(0));
    finish_call(
        scalar(pc,
               world_.calls_for_packet_loads() ? number{} : zero_extend({}, isa::info(i.id).width)),
        s);
}

// --- instructions

transfer::transfer(const program &p, const environment &world, const needs &needed,
                   bool frames_escape, findings &found)
    : code_{p},
      world_{world},
      needs_{needed},
      frames_escape_{frames_escape},
      frame_size_{world.frame_size()},
      input_{world.input()},
      found_{found} {
    has_packet_ = not world.packet_fields().empty() and not allows_write(input_.allowed);
    input_.least_size = std::min(input_.least_size, most_bytes);
}

state transfer::entry_state() const {
    state s = any_entry_state(0);
    value &input = s.registers[1];
    input.kind = value_kind::input;
    input.offset = number::constant(0);
    value &length = s.registers[2];
    length.kind = value_kind::scalar;
    length.offset = range_of(input_.least_size, most_bytes);
    length.limit = {length_kind::input, true, 1, 0};
    for (unsigned r = 3; r <= last_argument; ++r) s.registers[r] = value::constant(0);
    s.least_lengths[static_cast<std::size_t>(length_kind::input)] = input_.least_size;
    return s;
}

state transfer::any_entry_state(uint32_t f) const {
    state s;
    s.registers.fill(value::constant(0));
    for (unsigned r = first_argument; r <= last_argument; ++r) {
        s.registers[r] = {};
        s.registers[r].id = place_number(code_.functions()[f].begin, r);
    }
    s.registers[isa::frame_pointer] = frame_address();
    return s;
}

state transfer::any_state(uint32_t pc) const {
    state s;
    for (unsigned r = 0; r < isa::frame_pointer; ++r) s.registers[r].id = place_number(pc, r);
    s.registers[isa::frame_pointer] = frame_address();
    return s;
}

state transfer::callee_state(uint32_t pc, const state &caller) const {
    state s = any_entry_state(code_.function_at(code_.callee_pc(pc)));
    for (unsigned r = first_argument; r <= last_argument; ++r) {
        s.registers[r] = caller.registers[r];
        if (s.registers[r].kind == value_kind::frame) ++s.registers[r].index;
    }
    s.least_lengths = caller.least_lengths;
    return s;
}

bool transfer::step(uint32_t pc, uint32_t f, state &s) {
    const isa::instruction &i = code_.insn(pc);
    switch (isa::kind_of(i.id)) {
    case operation_kind::alu:
    case operation_kind::convert:
        if (not has(needs_.after(pc), i.dst))
            s.registers[i.dst] = {};  // nobody asks about it
        else if (isa::kind_of(i.id) == operation_kind::alu)
            execute_alu(pc, s);
        else
            execute_convert(pc, s);
        return true;
    case operation_kind::load: execute_load(pc, s); return true;
    case operation_kind::store: execute_store(pc, f, s); return true;
    case operation_kind::atomic: execute_atomic(pc, f, s); return true;
    case operation_kind::wide: execute_wide(pc, s); return true;
    case operation_kind::packet: execute_packet_load(pc, f, s); return true;
    case operation_kind::call: return execute_call(pc, f, s);
    case operation_kind::exit: note_return(f, s.registers[0]); return false;
    default: return true;
    }
}

}  // namespace bpftime::vm::analysis
