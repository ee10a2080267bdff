// bpftime-vm: the log of bpftime-cli
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <string>

namespace bpftime::vm::cli {

namespace {

spdlog::logger make_logger() {
    spdlog::logger logger{"bpftime-cli", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
    logger.set_level(spdlog::level::warn);
    const char *const wanted = std::getenv("BPFTIME_LOG_LEVEL");
    if (wanted == nullptr) return logger;
    std::string name{wanted};
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    // from_str() says "off" for what it does not know; the library warns about such a value.
    const auto level = spdlog::level::from_str(name);
    if (level != spdlog::level::off or name == "off") logger.set_level(level);
    return logger;
}

}  // namespace

void log_debug(std::string_view text) {
    static spdlog::logger logger = make_logger();
    logger.debug("{}", text);
}

}  // namespace bpftime::vm::cli
