// bpftime-vm: bytes of keys, values and variables as JSON
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime_json/values.hpp"

#include "text_array.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

namespace bpftime::vm::runtime_json {

namespace {

using object::btf;
using object::btf_kind;
using object::btf_member;
using object::btf_type;
using bytes_view = std::span<const uint8_t>;

constexpr std::size_t word_size = sizeof(uint64_t);

bool is_number_size(std::size_t size) { return size == 1 or size == 2 or size == 4 or size == 8; }

uint64_t low_word(bytes_view bytes) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), std::min(bytes.size(), word_size));
    return word;
}

int64_t sign_extend(uint64_t word, unsigned bits) {
    const unsigned unused = 64 - bits;
    return static_cast<int64_t>(word << unused) >> unused;
}

/// Types may contain themselves: depth and work are bounded.
class value_reader {
public:
    explicit value_reader(const btf &types) : types_{types} {}

    json read(uint32_t id, bytes_view bytes, unsigned depth = 0) {
        const btf_type &t = types_.type(types_.resolve(id));
        const auto size = types_.size_of(id);
        if (depth > most_depth or left_ == 0 or not size or *size != bytes.size())
            return plain(bytes);
        --left_;
        switch (t.kind) {
        case btf_kind::integer:
        case btf_kind::enumeration:
        case btf_kind::enumeration64:
            return bytes.empty() or bytes.size() > word_size
                       ? json(to_hex(bytes))
                       : number(t, low_word(bytes), bits(bytes));
        case btf_kind::structure:
        case btf_kind::union_: return composite(t, bytes, depth);
        case btf_kind::array: return array(t, bytes, depth);
        case btf_kind::floating: return real(bytes);
        case btf_kind::pointer: return fmt::format("0x{:x}", low_word(bytes));
        default: return plain(bytes);
        }
    }

    static json plain(bytes_view bytes) {
        return is_number_size(bytes.size()) ? json(low_word(bytes)) : json(to_hex(bytes));
    }

private:
    static constexpr unsigned most_depth = 16;
    static constexpr unsigned most_parts = 4096;

    static unsigned bits(bytes_view bytes) { return static_cast<unsigned>(8 * bytes.size()); }

    json number(const btf_type &t, uint64_t word, unsigned bits) const {
        if (t.is_bool()) return word != 0;
        const int64_t as_signed = sign_extend(word, bits);
        for (const auto &e : types_.enumerators(t)) {
            if (e.value == word or e.value == static_cast<uint64_t>(as_signed))
                return std::string{e.name};
        }
        return t.is_signed() ? json(as_signed) : json(word);
    }

    /// What is no number that JSON has is the bits of one. The shortest text of a float, read
    /// again, prints as that text.
    static json real(bytes_view bytes) {
        if (bytes.size() != sizeof(float) and bytes.size() != sizeof(double)) return plain(bytes);
        double value = 0;
        if (bytes.size() == sizeof(double)) {
            std::memcpy(&value, bytes.data(), sizeof value);
        } else {
            float narrow = 0;
            std::memcpy(&narrow, bytes.data(), sizeof narrow);
            std::array<char, 32> text{};
            const auto end = std::to_chars(text.begin(), text.end(), narrow).ptr;
            std::from_chars(text.begin(), end, value);
        }
        if (std::isfinite(value)) return value;
        if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
        return fmt::format("0x{:x}", low_word(bytes));
    }

    json composite(const btf_type &t, bytes_view bytes, unsigned depth) {
        json::object_t fields;
        for (const btf_member &m : types_.members(t)) {
            if (left_ == 0) break;
            --left_;
            // At the end: looking for the name each time would take long where there are many.
            fields.emplace_back(
                m.name.empty() ? fmt::format("_{}", fields.size()) : std::string{m.name},
                member(m, bytes, depth));
        }
        return fields;
    }

    json member(const btf_member &m, bytes_view bytes, unsigned depth) {
        const std::size_t begin = m.bit_offset / 8;
        if (m.bit_size != 0) return bit_field(m, bytes);
        const uint64_t size = types_.size_of(m.type).value_or(0);
        if (begin > bytes.size() or size > bytes.size() - begin) return nullptr;
        return read(m.type, bytes.subspan(begin, size), depth + 1);
    }

    json bit_field(const btf_member &m, bytes_view bytes) const {
        const std::size_t begin = m.bit_offset / 8;
        const unsigned shift = m.bit_offset % 8;
        if (begin >= bytes.size() or m.bit_size + shift > 64) return nullptr;
        const uint64_t word = low_word(bytes.subspan(begin)) >> shift;
        const uint64_t mask = ~uint64_t{0} >> (64 - m.bit_size);
        return number(types_.type(types_.resolve(m.type)), word & mask, m.bit_size);
    }

    json array(const btf_type &t, bytes_view bytes, unsigned depth) {
        const uint64_t each = types_.size_of(t.type).value_or(0);
        if (is_text_array(types_, t)) {
            if (auto characters = text(bytes)) return *std::move(characters);
        }
        if (each <= 1) return to_hex(bytes);
        json elements = json::array();
        for (std::size_t at = 0; at + each <= bytes.size() and left_ != 0; at += each)
            elements.push_back(read(t.type, bytes.subspan(at, each), depth + 1));
        return elements;
    }

    /// Characters that print, up to zeros at the end; anything else is bytes.
    static std::optional<std::string> text(bytes_view bytes) {
        const auto end = std::ranges::find(bytes, uint8_t{0});
        const auto prints = [](uint8_t c) { return c >= ' ' and c <= '~'; };
        const auto is_zero = [](uint8_t c) { return c == 0; };
        if (not std::all_of(bytes.begin(), end, prints) or
            not std::all_of(end, bytes.end(), is_zero))
            return {};
        return std::string{bytes.begin(), end};
    }

    const btf &types_;
    unsigned left_ = most_parts;
};

}  // namespace

/// Whoever prints or frees a document goes down to its bottom, on the stack.
result<json> parse(std::string_view text) {
    bool is_deep = false;
    const auto check = [&](int depth, json::parse_event_t event, const json &) {
        const bool begins =
            event == json::parse_event_t::array_start or event == json::parse_event_t::object_start;
        is_deep |= begins and depth >= most_depth;
        return not is_deep;
    };
    constexpr bool throws = false;
    json document = json::parse(text, check, throws);
    if (is_deep) {
        return std::unexpected{make_error(
            error_code::invalid_argument,
            fmt::format("arrays and objects are more than {} inside each other", most_depth))};
    }
    if (document.is_discarded())
        return std::unexpected{make_error(error_code::invalid_argument, "no JSON document")};
    return document;
}

std::string to_text(const json &document, int indent) {
    return document.dump(indent, ' ', false, json::error_handler_t::replace);
}

std::string to_hex(std::span<const uint8_t> bytes) {
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

json to_json(const object::btf *types, uint32_t type, std::span<const uint8_t> bytes) {
    if (types == nullptr or type == 0 or type >= types->size()) return value_reader::plain(bytes);
    return value_reader{*types}.read(type, bytes);
}

std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c >= ' ' and c <= '~')
            out += c;
        else
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return out;
}

std::optional<std::vector<uint8_t>> parse_integer(std::string_view text, std::size_t size) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const bool hexadecimal = text.starts_with("0x");
    if (hexadecimal) text.remove_prefix(2);
    uint64_t number = 0;
    const char *const last = text.data() + text.size();
    const auto [end, code] = std::from_chars(text.data(), last, number, hexadecimal ? 16 : 10);
    if (code != std::errc{} or end != last or not is_number_size(size)) return {};
    const auto bits = static_cast<unsigned>(8 * size);
    const uint64_t most = negative ? uint64_t{1} << (bits - 1) : ~uint64_t{0} >> (64 - bits);
    if (number > most) return {};
    if (negative) number = -number;
    std::vector<uint8_t> bytes(size);
    std::memcpy(bytes.data(), &number, size);
    return bytes;
}

}  // namespace bpftime::vm::runtime_json
