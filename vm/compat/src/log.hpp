// bpftime-vm: the library's log: to stderr only, level by BPFTIME_LOG_LEVEL
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <spdlog/spdlog.h>

#include <utility>

namespace bpftime::vm::log {

/// TRACE, DEBUG, INFO, WARN (default), ERROR, CRITICAL or OFF, read from BPFTIME_LOG_LEVEL at first
/// use.
[[nodiscard]] spdlog::logger &logger();

template <typename... Args>
void debug(spdlog::format_string_t<Args...> format, Args &&...args) {
    logger().debug(format, std::forward<Args>(args)...);
}

template <typename... Args>
void warn(spdlog::format_string_t<Args...> format, Args &&...args) {
    logger().warn(format, std::forward<Args>(args)...);
}

}  // namespace bpftime::vm::log
