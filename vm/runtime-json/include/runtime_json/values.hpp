// bpftime-vm: bytes of keys, values and variables as JSON
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "object/btf.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::runtime_json {

using json = nlohmann::ordered_json;

/// A document. Errors: invalid_argument (no JSON, or deeper than most_depth).
[[nodiscard]] result<json> parse(std::string_view text);
/// Arrays and objects inside each other, at most: far more than values of any type have.
inline constexpr int most_depth = 64;

/// The document as text, with text in it that is no UTF-8 replaced. `indent`: blanks for each
/// level; -1: one line.
[[nodiscard]] std::string to_text(const json &document, int indent = -1);

/// Bytes as their type says, as far as `types` (which may be null) knows it: structs become
/// objects, arrays of char text if that prints, other arrays of bytes hexadecimal digits, infinity
/// "inf" and what is not a number "0x7fc00000". Of no known type: a number, if they are as many as
/// a number has, otherwise hexadecimal digits.
[[nodiscard]] json to_json(const object::btf *types, uint32_t type, std::span<const uint8_t> bytes);

/// The other way round: `size` bytes of what to_json() makes of them. Members of structs and
/// elements of arrays may be left out: they are zeros. Numbers may be texts, as "0x11". `subject`
/// is for messages. Errors: invalid_argument.
[[nodiscard]] result<std::vector<uint8_t>> from_json(const object::btf *types, uint32_t type,
                                                     const json &value, std::size_t size,
                                                     std::string_view subject);

/// Text of an object with unprintable bytes written as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

[[nodiscard]] std::string to_hex(std::span<const uint8_t> bytes);

/// "17", "-1", "0x11" as a number of `size` bytes; nothing if it is none, or too large.
[[nodiscard]] std::optional<std::vector<uint8_t>> parse_integer(std::string_view text,
                                                                std::size_t size);

}  // namespace bpftime::vm::runtime_json
