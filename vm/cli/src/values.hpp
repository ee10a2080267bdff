// bpftime-vm: bytes of keys, values and variables, as people write and read them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"
#include "object/btf.hpp"
#include "output.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::cli {

/// Bytes as their type says, as far as `types` (which may be null) knows it: structs become
/// objects, arrays of bytes hexadecimal digits. Of no known type: a number, if they are as many as
/// a number has, otherwise hexadecimal digits.
[[nodiscard]] json to_json(const object::btf *types, uint32_t type, std::span<const uint8_t> bytes);

/// The other way round: `size` bytes of what to_json() makes of them. Members of structs and
/// elements of arrays may be left out: they are zeros. Numbers may be texts, as "0x11".
[[nodiscard]] outcome<std::vector<uint8_t>> from_json(const object::btf *types, uint32_t type,
                                                      const json &value, std::size_t size,
                                                      std::string_view subject);

/// What to_json() gives in one line of text: {addr=1, ports=[80, 443]}.
[[nodiscard]] std::string to_line(const json &value);

/// Text of an object with unprintable bytes written as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

[[nodiscard]] std::string to_hex(std::span<const uint8_t> bytes);

/// "17", "-1", "0x11" as a number of `size` bytes; nothing if it is none, or too large.
[[nodiscard]] std::optional<std::vector<uint8_t>> parse_integer(std::string_view text,
                                                                std::size_t size);

/// Reads "17", "-1", "0x11" as a number of `size` bytes, and "x0a0b" as these bytes. `subject` is
/// for messages.
[[nodiscard]] outcome<std::vector<uint8_t>> parse_value(std::string_view text, std::size_t size,
                                                        std::string_view subject);

}  // namespace bpftime::vm::cli
