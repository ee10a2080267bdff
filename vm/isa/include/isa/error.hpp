// bpftime-vm: the error value that every room returns
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace bpftime::vm {

/// What went wrong; rows of errors.def.
enum class error_code : uint8_t {
#define ERROR(code, class_, remedy) code,
#include "isa/errors.def"
#undef ERROR
};

/// How the C API reports a code: names of `enum ebpf_error` without their prefix.
enum class error_class : uint8_t {
    invalid_argument,
    invalid_program,
    unsupported,
    unresolved,
    no_program,
    already_exists,
    not_found,
    limit_exceeded,
    out_of_memory,
    fault,
    internal,
};

/// A failed operation: what, where and what to do, in words that a user reads.
struct [[nodiscard]] error {
    error_code code{};
    /// Instruction slot that the error is about, if it is about one.
    std::optional<uint32_t> pc;
    /// The whole message: detail, place and remedy.
    std::string message;
    /// The errno that the kernel reports in such a case; 0 if it knows no such case.
    int kernel_errno = 0;
};

template <typename T>
using result = std::expected<T, error>;

/// The class under which the C API reports `code`.
[[nodiscard]] error_class class_of(error_code code) noexcept;

/// The name of `code` as written in errors.def.
[[nodiscard]] std::string_view name_of(error_code code) noexcept;

/// An error that is about the whole program or call: "detail: remedy".
[[nodiscard]] error make_error(error_code code, std::string_view detail);

/// An error that is about one instruction: "detail at pc N (`text`): remedy".
[[nodiscard]] error make_error(error_code code, uint32_t pc, std::string_view text,
                               std::string_view detail);

}  // namespace bpftime::vm
