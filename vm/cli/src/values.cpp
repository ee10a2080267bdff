// bpftime-vm: bytes of keys, values and variables, as people write and read them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "values.hpp"

#include "memory.hpp"

#include <nlohmann/json.hpp>

namespace bpftime::vm::cli {

std::string to_line(const json &value) {
    if (value.is_string()) return printable(value.get<std::string>());
    if (not value.is_structured()) return value.dump();
    std::vector<std::string> parts;
    for (const auto &[key, part] : value.items())
        parts.push_back((value.is_object() ? printable(key) + "=" : "") + to_line(part));
    return value.is_object() ? fmt::format("{{{}}}", fmt::join(parts, ", "))
                             : fmt::format("[{}]", fmt::join(parts, ", "));
}

outcome<std::vector<uint8_t>> parse_value(std::string_view text, std::size_t size,
                                          std::string_view subject) {
    if (text.starts_with('x')) {
        auto bytes = parse_hex(text.substr(1), subject);
        if (not bytes) return bytes;
        if (bytes->size() == size) return bytes;
        return fail(exit_code::bad_input, "{}: {} bytes, but it has {}", subject, bytes->size(),
                    size);
    }
    if (auto bytes = parse_integer(text, size)) return std::move(*bytes);
    return fail(exit_code::bad_input,
                "{}: '{}' is no number of {} bytes: write a number (17, -1, 0x11) if it has 1, 2, "
                "4 or 8 bytes, or all "
                "bytes in hexadecimal digits (x00112233)",
                subject, text, size);
}

}  // namespace bpftime::vm::cli
