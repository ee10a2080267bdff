// bpftime-vm: the library's log: to stderr only, level by BPFTIME_LOG_LEVEL
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>

namespace bpftime::vm::log {

enum class level : uint8_t { debug, warn };

/// Whether BPFTIME_LOG_LEVEL lets messages of this level through: TRACE, DEBUG, INFO, WARN
/// (default), ERROR, CRITICAL or OFF, read at first use.
[[nodiscard]] bool is_on(level of);
/// Writes the message, if its level is on.
void write(level of, const std::string &message);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args &&...args) {
    if (is_on(level::debug)) write(level::debug, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void warn(fmt::format_string<Args...> format, Args &&...args) {
    if (is_on(level::warn)) write(level::warn, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace bpftime::vm::log
