// bpftime-vm: arrays that hold text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/btf.hpp"

namespace bpftime::vm::runtime_json {

/// Whether a type is an array of char; those of other bytes, as unsigned char, are numbers.
[[nodiscard]] inline bool is_text_array(const object::btf &types, const object::btf_type &t) {
    if (t.kind != object::btf_kind::array) return false;
    const object::btf_type &element = types.type(types.resolve(t.type));
    return element.kind == object::btf_kind::integer and element.size == 1 and
           element.name == "char";
}

}  // namespace bpftime::vm::runtime_json
