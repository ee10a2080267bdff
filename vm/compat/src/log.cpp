// bpftime-vm: the library's log
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string>

namespace bpftime::vm::log {

namespace {

struct level_name {
    std::string_view name;
    spdlog::level::level_enum level;
};

constexpr auto levels = std::to_array<level_name>({
    {"TRACE", spdlog::level::trace},
    {"DEBUG", spdlog::level::debug},
    {"INFO", spdlog::level::info},
    {"WARN", spdlog::level::warn},
    {"WARNING", spdlog::level::warn},
    {"ERROR", spdlog::level::err},
    {"CRITICAL", spdlog::level::critical},
    {"OFF", spdlog::level::off},
});

std::string upper(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return out;
}

spdlog::logger make_logger() {
    // Not in spdlog's registry: a host that uses spdlog itself keeps its own.
    spdlog::logger logger{"bpftime-vm", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
    logger.set_level(spdlog::level::warn);
    const char *const wanted = std::getenv("BPFTIME_LOG_LEVEL");
    if (wanted == nullptr or *wanted == '\0') return logger;
    const auto row = std::ranges::find(levels, upper(wanted), &level_name::name);
    if (row != levels.end()) {
        logger.set_level(row->level);
    } else {
        logger.warn(
            "BPFTIME_LOG_LEVEL={} is unknown: use TRACE, DEBUG, INFO, WARN, ERROR, CRITICAL or OFF",
            wanted);
    }
    return logger;
}

spdlog::logger &logger() {
    // Never destroyed: libraries that are unloaded late may still log.
    static auto &instance = *new spdlog::logger{make_logger()};
    return instance;
}

spdlog::level::level_enum spdlog_level(level of) noexcept {
    return of == level::debug ? spdlog::level::debug : spdlog::level::warn;
}

}  // namespace

bool is_on(level of) { return logger().should_log(spdlog_level(of)); }

void write(level of, const std::string &message) {
    logger().log(spdlog_level(of), spdlog::string_view_t{message});
}

}  // namespace bpftime::vm::log
