// bpftime-vm: how a command ends
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"

#include <fmt/format.h>

#include <array>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace bpftime::vm::cli {

/// The exit status of bpftime-cli; exit_codes says what each means.
enum class exit_code : int {
    ok = 0,
    usage = 1,
    bad_input = 2,
    fault = 3,
    unsupported = 4,
    io = 5,
    internal = 6
};

struct exit_code_info {
    exit_code code;
    std::string_view meaning;
};

inline constexpr auto exit_codes = std::to_array<exit_code_info>({
    {exit_code::ok, "success"},
    {exit_code::usage, "the command line is wrong"},
    {exit_code::bad_input, "a program, its memory or a capture cannot be used as it is"},
    {exit_code::fault, "a program faulted while it ran, or certainly would"},
    {exit_code::unsupported, "a tool or backend is missing, or cannot do this"},
    {exit_code::io, "reading or writing failed, or memory ran out"},
    {exit_code::internal, "a defect of bpftime-vm"},
});

/// Why a command could not do its work; `message` goes to stderr.
struct [[nodiscard]] failure {
    exit_code code = exit_code::internal;
    std::string message;
};

template <typename T>
using outcome = std::expected<T, failure>;

template <typename... Args>
[[nodiscard]] std::unexpected<failure> fail(exit_code code, fmt::format_string<Args...> format,
                                            Args &&...args) {
    return std::unexpected{failure{code, fmt::format(format, std::forward<Args>(args)...)}};
}

/// A library error about `subject` (a file, mostly) as a failure.
[[nodiscard]] std::unexpected<failure> fail(std::string_view subject, const error &e);

}  // namespace bpftime::vm::cli
