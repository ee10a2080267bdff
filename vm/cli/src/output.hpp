// bpftime-vm: what goes to stdout, what goes to stderr, and when it is coloured
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"

#include <fmt/format.h>
#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace bpftime::vm::cli {

using json = nlohmann::ordered_json;

/// Keeps files that are opened later from becoming stdin, stdout or stderr where the caller closed
/// those.
void guard_standard_streams();

/// Whether `stream` is a terminal that understands escape sequences.
[[nodiscard]] bool is_terminal(std::FILE *stream);

/// Whether `stream` is to be coloured: a terminal, and NO_COLOR is not set.
[[nodiscard]] bool is_coloured(std::FILE *stream);

enum class colour : uint8_t { bold, red, yellow, green };

/// `text`, coloured if `stream` is.
[[nodiscard]] std::string paint(colour c, std::string_view text, std::FILE *stream);

/// Text that does nothing to a terminal but fill lines.
[[nodiscard]] std::string without_controls(std::string_view text);

void write_out(std::string_view text);
void write_out(std::span<const uint8_t> bytes);

template <typename... Args>
void print(fmt::format_string<Args...> format, Args &&...args) {
    write_out(fmt::format(format, std::forward<Args>(args)...));
}

/// One JSON document with a newline; text that is no UTF-8 is replaced, not refused.
void print_json(const json &document);

/// Hands stdout's buffer to the system: fails (io) if anything written to stdout was lost.
[[nodiscard]] outcome<void> finish_output();

/// "bpftime-cli: error: ..." on stderr.
void report(const failure &f);
void warn(std::string_view text);

/// Writes `bytes` to the file `path`, replacing it.
[[nodiscard]] outcome<void> write_file(const std::string &path, std::span<const uint8_t> bytes);

}  // namespace bpftime::vm::cli
