// bpftime-vm: types as C writes them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/btf.hpp"

#include <string>

namespace bpftime::vm::object {

/// "const volatile __u32", "char[16]", "struct flow *", "int (*)(void *)": printable. Types may
/// contain themselves: what is too deep is "...".
[[nodiscard]] std::string type_name(const btf &types, uint32_t id);

}  // namespace bpftime::vm::object
