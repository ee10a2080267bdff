// bpftime-vm: CO-RE: what an instruction asks about a type
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "btf_ext.hpp"

namespace bpftime::vm::object {

/// What is asked, with the numbers of the format (enum bpf_core_relo_kind).
enum class core_kind : uint8_t {
    field_byte_offset = 0,
    field_byte_size = 1,
    field_exists = 2,
    field_signed = 3,
    field_left_shift = 4,
    field_right_shift = 5,
    type_id_local = 6,
    type_id_target = 7,
    type_exists = 8,
    type_size = 9,
    enumerator_exists = 10,
    enumerator_value = 11,
    type_matches = 12,
};

/// "field offset" and the like, for people.
[[nodiscard]] std::string_view name_of(core_kind kind) noexcept;
[[nodiscard]] bool asks_field(core_kind kind) noexcept;
[[nodiscard]] bool asks_enumerator(core_kind kind) noexcept;

/// One step into a type: member `index` of composite `type`, or element `index` of an array of
/// `type`.
struct core_step {
    uint32_t type = 0;
    uint32_t index = 0;
    std::string_view name;  ///< empty: an element
};

/// A field, type or enumerator, in some set of types.
struct core_spec {
    core_kind kind{};
    uint32_t root = 0;
    std::vector<core_step> steps;
    uint64_t bit_offset = 0;

    static constexpr std::size_t most_steps = 64;

    /// "struct sock.sk_family" for messages.
    [[nodiscard]] std::string describe(const btf &types) const;
};

/// The part of a name that is the same in all flavours of a type: before "___".
[[nodiscard]] std::string_view essential_name(std::string_view name) noexcept;

/// Whether the array that `last` leads to is the last member of its struct and of no length.
[[nodiscard]] bool is_flexible(const btf &types, const core_step &last, const btf_type &array);

/// What `record` says, in the types of its object.
[[nodiscard]] result<core_spec> read_core_spec(const btf &types, const core_record &record);

}  // namespace bpftime::vm::object
