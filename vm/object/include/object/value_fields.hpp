// bpftime-vm: the parts of map values that only helpers use
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/btf.hpp"
#include "program/map.hpp"

#include <cstdint>
#include <vector>

namespace bpftime::vm::object {

/// Those that a value of the type has, by offset, each inside the value.
[[nodiscard]] std::vector<value_field> find_value_fields(const btf &types, uint32_t type);

}  // namespace bpftime::vm::object
