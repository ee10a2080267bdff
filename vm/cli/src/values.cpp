// bpftime-vm: bytes of keys, values and variables, as people write and read them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "values.hpp"

#include "memory.hpp"

#include <nlohmann/json.hpp>

namespace bpftime::vm::cli {

std::string to_line(const json &value) {
    if (value.is_string() and value.get_ref<const std::string &>().empty()) return "\"\"";
    if (value.is_string()) return printable(value.get<std::string>());
    if (not value.is_structured()) return value.dump();
    std::vector<std::string> parts;
    for (const auto &[key, part] : value.items())
        parts.push_back((value.is_object() ? printable(key) + "=" : "") + to_line(part));
    return value.is_object() ? fmt::format("{{{}}}", fmt::join(parts, ", "))
                             : fmt::format("[{}]", fmt::join(parts, ", "));
}

namespace {

using byte_vector = std::vector<uint8_t>;

bool begins_like_json(std::string_view text) {
    return text.starts_with('{') or text.starts_with('[') or text.starts_with('"');
}

outcome<byte_vector> parse_json(std::string_view text, std::size_t size, std::string_view subject,
                                const value_type &type) {
    const auto document = runtime_json::parse(text);
    if (not document) return fail(std::string{subject}, document.error());
    auto read = runtime_json::from_json(type.known, type.id, *document, size, subject);
    return read ? outcome<byte_vector>{std::move(*read)} : fail("", read.error());
}

/// Hexadecimal digits behind an x.
outcome<byte_vector> parse_bytes(std::string_view digits, std::size_t size,
                                 std::string_view subject) {
    auto read = parse_hex(digits, subject);
    if (not read or read->size() == size) return read;
    return fail(exit_code::bad_input, "{}: {} bytes, but it has {}", subject, read->size(), size);
}

std::string constants_of(const value_type &type) {
    if (type.known == nullptr) return "";
    std::vector<std::string> names;
    for (const auto &e : type.known->enumerators(type.known->type(type.known->resolve(type.id))))
        names.push_back(printable(e.name));
    return names.empty() ? "" : fmt::format("one of {}, ", fmt::join(names, ", "));
}

}  // namespace

outcome<std::vector<uint8_t>> parse_value(std::string_view text, std::size_t size,
                                          std::string_view subject, const value_type &type) {
    if (begins_like_json(text)) return parse_json(text, size, subject, type);
    outcome<byte_vector> as_bytes{};
    if (text.starts_with('x')) {
        as_bytes = parse_bytes(text.substr(1), size, subject);
        if (as_bytes) return as_bytes;
    }
    const json value = text == "true" or text == "false" ? json(text == "true") : json(text);
    if (auto read = runtime_json::from_json(type.known, type.id, value, size, subject))
        return std::move(*read);
    if (not as_bytes) return as_bytes;
    return fail(exit_code::bad_input,
                "{}: '{}' is no number of {} bytes: write {}a number (17, -1, 0x11) if it has 1, "
                "2, 4 or 8 bytes, text if it is an array of char, JSON as its type says "
                "({{\"a\": 1}}, [1, 2]), or all bytes in hexadecimal digits (x00112233)",
                subject, text, size, constants_of(type));
}

std::size_t end_of_key(std::string_view text) noexcept {
    if (not begins_like_json(text)) return text.find(':');
    std::size_t depth = 0;
    bool in_text = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_text and c == '\\')
            ++at;
        else if (c == '"')
            in_text = not in_text;
        else if (in_text)
            continue;
        else if (c == '{' or c == '[')
            ++depth;
        else if ((c == '}' or c == ']') and depth != 0)
            --depth;
        else if (c == ':' and depth == 0)
            return at;
    }
    return text.npos;
}

}  // namespace bpftime::vm::cli
