// bpftime-vm: functions of the C library that compilers call without being asked
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace bpftime::vm::object {

/// A function in eBPF, for objects that call it without defining it.
struct builtin {
    std::string_view name;
    std::string_view text;  ///< assembly
};

/// memcpy, memmove, memset, memcmp.
[[nodiscard]] std::span<const builtin> builtins() noexcept;

/// Its index in builtins().
[[nodiscard]] std::optional<std::size_t> find_builtin(std::string_view name) noexcept;

}  // namespace bpftime::vm::object
