// bpftime-vm: what is where in a context, and who may touch it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace bpftime::vm::runtime {

namespace {

using object::program_type;

// --- the sets that context_fields.def names

constexpr program_set nobody = 0;
constexpr program_set xdp = set_of(program_type::xdp);
constexpr program_set socket_filter = set_of(program_type::socket_filter);
constexpr program_set tc = set_of(program_type::sched_cls) | set_of(program_type::sched_act);
constexpr program_set cgroup_skb = set_of(program_type::cgroup_skb);
constexpr program_set sk_skb = set_of(program_type::sk_skb);
constexpr program_set lwt = set_of(program_type::lwt_in) | set_of(program_type::lwt_out) |
                            set_of(program_type::lwt_xmit) | set_of(program_type::lwt_seg6local);
constexpr program_set all_skb = socket_filter | tc | cgroup_skb | sk_skb | lwt;

enum class field_kind : uint8_t { value, address };

#define ROW(struct_, name, offset, size, element, kind, widths, readers, writers) \
    context_field{#name,                                                          \
                  offset,                                                         \
                  size,                                                           \
                  element,                                                        \
                  static_cast<uint32_t>(offsetof(struct_, name)),                 \
                  field_kind::kind == field_kind::address,                        \
                  context_width::widths,                                          \
                  readers,                                                        \
                  writers},

constexpr auto xdp_fields = std::to_array<context_field>({
#define XDP_FIELD(...) ROW(xdp_context, __VA_ARGS__)
#define SKB_FIELD(...)
#include "context_fields.def"
#undef XDP_FIELD
#undef SKB_FIELD
});

constexpr auto skb_fields = std::to_array<context_field>({
#define XDP_FIELD(...)
#define SKB_FIELD(...) ROW(skb_context, __VA_ARGS__)
#include "context_fields.def"
#undef XDP_FIELD
#undef SKB_FIELD
});

#undef ROW

constexpr context_layout xdp_layout{"xdp_md", 24, sizeof(xdp_context), xdp_fields};
constexpr context_layout skb_layout{"__sk_buff", 192, sizeof(skb_context), skb_fields};

/// A narrow read is the right bytes of a word that stands at the same distance from its alignment.
constexpr bool keeps_alignment(const context_field &f) {
    const uint32_t alignment = f.widths == context_width::any ? 8 : f.element;
    return f.host_offset % alignment == 0 and (not f.wide_pointer or f.host_offset % 8 == 0);
}
static_assert(std::ranges::all_of(xdp_fields, keeps_alignment));
static_assert(std::ranges::all_of(skb_fields, keeps_alignment));
static_assert(std::ranges::is_sorted(xdp_fields, {}, &context_field::offset));
static_assert(std::ranges::is_sorted(skb_fields, {}, &context_field::offset));

constexpr bool contains(program_set set, program_type type) noexcept {
    return (set & set_of(type)) != 0;
}

/// Whether one access may take so many bytes of the field, its alignment aside.
bool takes(const context_field &f, const context_access &a) noexcept {
    const auto end = a.offset + a.width;
    switch (f.widths) {
    case context_width::exact: return a.width == f.element;
    case context_width::narrow: return a.write ? a.width == f.element : a.width <= f.element;
    case context_width::any: return end <= int64_t{f.offset} + f.size;
    }
    return false;
}

}  // namespace

const context_field *context_layout::find(int64_t offset) const noexcept {
    const auto found = std::ranges::find_if(fields, [&](const context_field &f) {
        return offset >= f.offset and offset < int64_t{f.offset} + f.size;
    });
    return found == fields.end() ? nullptr : &*found;
}

const context_layout *context_layout_of(program_type type) noexcept {
    if (contains(xdp, type)) return &xdp_layout;
    return contains(all_skb, type) ? &skb_layout : nullptr;
}

std::string why_refused(const context_layout &layout, program_type type,
                        const context_access &access) {
    const std::string_view verb = access.write ? "writes" : "reads";
    const context_field *const f = layout.find(access.offset);
    if (f == nullptr) {
        return fmt::format("{} {} bytes at offset {} of struct {}, where it has no field", verb,
                           access.width, access.offset, layout.name);
    }
    if (not contains(f->readers, type)) {
        return fmt::format("{} field `{}` of struct {}, which this type of program does not have",
                           verb, f->name, layout.name);
    }
    if (access.write and not contains(f->writers, type)) {
        return fmt::format("writes field `{}` of struct {}, which this type of program only reads",
                           f->name, layout.name);
    }
    if (access.offset % access.width != 0) {
        return fmt::format("{} {} bytes at offset {} of struct {}, which is no multiple of {}",
                           verb, access.width, access.offset, layout.name, access.width);
    }
    if (not takes(*f, access)) {
        return fmt::format("{} {} bytes of field `{}` of struct {}, at offset {}, which has {}",
                           verb, access.width, f->name, layout.name, f->offset, f->element);
    }
    if (access.sign_extends and f->wide_pointer) {
        return fmt::format("reads field `{}` of struct {}, an address, as a signed number", f->name,
                           layout.name);
    }
    return {};
}

}  // namespace bpftime::vm::runtime
