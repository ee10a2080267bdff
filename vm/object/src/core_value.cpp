// bpftime-vm: CO-RE: the number that answers a question about a type
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "core_value.hpp"

#include <fmt/format.h>

namespace bpftime::vm::object {

namespace {

constexpr uint64_t word_bits = 64;
constexpr uint64_t word_bytes = 8;

std::unexpected<error> unanswerable(const btf &types, const core_spec &spec, std::string_view why) {
    return std::unexpected{
        error{error_code::unsupported,
              {},
              fmt::format("CO-RE asks about {}: {}", spec.describe(types), why)}};
}

/// The bytes to load for a field, and where its bits are in them.
struct field_place {
    uint64_t bit_offset;
    uint64_t bit_size;
    uint64_t byte_offset;
    uint64_t byte_size;
    bool bit_field;
};

/// The smallest load of the bit field's own type, or wider ones, that has all of its bits.
std::optional<field_place> place_bit_field(uint64_t bit_offset, uint64_t bit_size, uint64_t bytes) {
    for (; bytes != 0 and bytes <= word_bytes; bytes *= 2) {
        const uint64_t begin = bit_offset / 8 / bytes * bytes;
        if (bit_offset + bit_size - begin * 8 <= bytes * 8)
            return field_place{bit_offset, bit_size, begin, bytes, true};
    }
    return {};
}

result<core_value> value_of_element(const btf &types, const core_spec &spec) {
    const uint32_t type = spec.steps.back().type;
    const uint64_t size = types.size_of(type).value_or(0);
    if (spec.kind == core_kind::field_exists) return core_value{.number = 1};
    if (spec.kind == core_kind::field_byte_size) return core_value{.number = size};
    if (spec.kind != core_kind::field_byte_offset)
        return unanswerable(types, spec, "an element has an offset and a size only");
    return core_value{spec.bit_offset / 8, true, static_cast<uint32_t>(size), type};
}

result<core_value> value_of_field(const btf &types, const core_spec &spec) {
    if (spec.steps.back().name.empty()) return value_of_element(types, spec);
    const core_step &last = spec.steps.back();
    const btf_member &m = types.members(types.type(last.type))[last.index];
    const uint32_t id = types.resolve(m.type);
    const btf_type &type = types.type(id);
    const uint64_t size = types.size_of(id).value_or(0);
    const auto place = m.bit_size != 0
                           ? place_bit_field(spec.bit_offset, m.bit_size, type.size)
                           : std::optional{field_place{spec.bit_offset, size * 8,
                                                       spec.bit_offset / 8, size, false}};
    if (not place) return unanswerable(types, spec, "no load of 8 bytes holds all of its bits");
    const uint64_t end = place->bit_offset + place->bit_size - place->byte_offset * 8;
    const bool certain = not place->bit_field;
    switch (spec.kind) {
    case core_kind::field_byte_offset:
        return core_value{place->byte_offset, certain, certain ? static_cast<uint32_t>(size) : 0,
                          certain ? id : 0};
    case core_kind::field_byte_size: return core_value{place->byte_size, certain, 0, 0};
    case core_kind::field_signed: return core_value{type.is_signed() ? 1U : 0U, true, 0, 0};
    case core_kind::field_left_shift: return core_value{word_bits - end, certain, 0, 0};
    case core_kind::field_right_shift: return core_value{word_bits - place->bit_size, true, 0, 0};
    default: return core_value{1, true, 0, 0};
    }
}

}  // namespace

result<core_value> value_of(const btf &types, const core_spec &spec) {
    if (asks_field(spec.kind)) return value_of_field(types, spec);
    switch (spec.kind) {
    case core_kind::type_id_local:
    case core_kind::type_id_target: return core_value{spec.root, false, 0, 0};
    case core_kind::type_size:
        if (const auto size = types.size_of(spec.root)) return core_value{*size, true, 0, 0};
        return unanswerable(types, spec, "it has no size");
    case core_kind::enumerator_value: {
        const core_step &e = spec.steps.front();
        return core_value{types.enumerators(types.type(e.type))[e.index].value, true, 0, 0};
    }
    default: return core_value{1, true, 0, 0};
    }
}

std::optional<uint64_t> value_of_nothing(core_kind kind) noexcept {
    switch (kind) {
    case core_kind::field_exists:
    case core_kind::enumerator_exists:
    case core_kind::type_exists:
    case core_kind::type_matches:
    case core_kind::type_size:
    case core_kind::type_id_target: return 0;
    default: return {};
    }
}

}  // namespace bpftime::vm::object
