// bpftime-vm: CO-RE: the number that answers a question about a type
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "core_spec.hpp"

namespace bpftime::vm::object {

struct core_value {
    uint64_t number = 0;
    bool certain = true;  ///< compilers agree on it: the instruction holds it
    uint32_t size = 0;    ///< bytes of the field, if it may be loaded and stored; else 0
    uint32_t type = 0;    ///< of the field
};

/// The answer to `spec` in the types that it is in. Errors: bad_object, unsupported.
[[nodiscard]] result<core_value> value_of(const btf &types, const core_spec &spec);

/// The answer where there is no such type, field or enumerator; nothing if none makes sense.
[[nodiscard]] std::optional<uint64_t> value_of_nothing(core_kind kind) noexcept;

}  // namespace bpftime::vm::object
