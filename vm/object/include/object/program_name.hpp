// bpftime-vm: how the kinds of programs are called
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/program_type.hpp"

#include <string_view>

namespace bpftime::vm::object {

/// The kernel's name of the type, in lower case: "sched_cls"; "generic" of those that it has none
/// for.
[[nodiscard]] std::string_view kernel_name(program_type type) noexcept;

}  // namespace bpftime::vm::object
