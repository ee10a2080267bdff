// bpftime-vm: what the kernel demands of a map before it makes one
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/map.hpp"

namespace bpftime::vm::runtime {

/// Bytes that one object of the kernel's allocator has at most: values are no larger.
inline constexpr uint64_t most_object_bytes = uint64_t{4} << 20;

/// 0, or the negative errno with which the kernel refuses the definition.
[[nodiscard]] int check_definition(const map_definition &definition) noexcept;

}  // namespace bpftime::vm::runtime
