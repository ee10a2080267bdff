// bpftime-vm: bytes of keys, values and variables, as people write and read them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"
#include "object/btf.hpp"
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

/// What a value is besides its bytes.
struct value_type {
    const object::btf *known = nullptr;  ///< null: nothing
    uint32_t id = 0;                     ///< in it; 0: not known
};

/// Reads a value of `size` bytes: "17", "-1", "0x11" and "true" as numbers, "x0a0b" as these bytes;
/// by its type the name of a constant of an enum, text of an array of char, and what to_json()
/// gives as JSON ('{"port": 80}', '[1, 2]', '"text"'). `subject` is for messages.
[[nodiscard]] outcome<std::vector<uint8_t>> parse_value(std::string_view text, std::size_t size,
                                                        std::string_view subject,
                                                        const value_type &type = {});

/// Where the colon behind a key is, which may be JSON; npos: nowhere.
[[nodiscard]] std::size_t end_of_key(std::string_view text) noexcept;

}  // namespace bpftime::vm::cli
