// bpftime-vm: bytes of keys, values and variables, as people write and read them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"
#include "output.hpp"
#include "runtime_json/values.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::cli {

using runtime_json::parse_integer;
using runtime_json::printable;
using runtime_json::to_hex;
using runtime_json::to_json;

/// What to_json() gives in one line of text: {addr=1, ports=[80, 443]}.
[[nodiscard]] std::string to_line(const json &value);

/// Reads "17", "-1", "0x11" as a number of `size` bytes, and "x0a0b" as these bytes. `subject` is
/// for messages.
[[nodiscard]] outcome<std::vector<uint8_t>> parse_value(std::string_view text, std::size_t size,
                                                        std::string_view subject);

}  // namespace bpftime::vm::cli
