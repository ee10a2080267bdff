// bpftime-vm: JSON to bytes of keys, values and variables
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime_json/values.hpp"
#include "text_array.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace bpftime::vm::runtime_json {

namespace {

using object::btf;
using object::btf_kind;
using object::btf_member;
using object::btf_type;
using bytes_view = std::span<uint8_t>;

/// What is wrong; nothing if all went well.
using problem = std::optional<std::string>;

/// Undoes value_reader: what it printed becomes the same bytes again. Types may contain themselves:
/// depth is bounded.
class value_writer {
public:
    explicit value_writer(const btf *types) : types_{types} {}

    problem write(uint32_t id, const json &value, bytes_view to, unsigned depth = 0) const {
        const btf_type *const t = type_of(id, to.size(), depth);
        if (t == nullptr) return plain(value, to);
        switch (t->kind) {
        case btf_kind::structure:
        case btf_kind::union_:
            return value.is_object() ? composite(*t, value, to, depth) : plain(value, to);
        case btf_kind::array:
            return value.is_array() ? array(*t, value, to, depth) : text(*t, value, to);
        case btf_kind::enumeration:
        case btf_kind::enumeration64: return enumerator(*t, value, to);
        case btf_kind::floating: return real(value, to);
        default: return plain(value, to);
        }
    }

private:
    static constexpr unsigned most_depth = 16;

    [[nodiscard]] const btf_type *type_of(uint32_t id, std::size_t size, unsigned depth) const {
        if (types_ == nullptr or id == 0 or id >= types_->size() or depth > most_depth)
            return nullptr;
        const auto own = types_->size_of(id);
        return own and * own == size ? &types_->type(types_->resolve(id)) : nullptr;
    }

    static problem refuse(const json &value, std::size_t size) {
        return fmt::format("{} is no value of {} bytes", to_text(value), size);
    }

    // --- numbers

    static problem plain(const json &value, bytes_view to) {
        if (value.is_boolean()) return number(value.get<bool>() ? "1" : "0", value, to);
        if (value.is_number_integer()) return number(value.dump(), value, to);
        if (not value.is_string()) return refuse(value, to.size());
        const auto &text = value.get_ref<const std::string &>();
        const bool is_number = to.size() == 1 or to.size() == 2 or to.size() == 4 or to.size() == 8;
        return is_number ? number(text, value, to) : digits(value, to);
    }

    static problem number(std::string_view text, const json &value, bytes_view to) {
        const auto bytes = parse_integer(text, to.size());
        if (not bytes) return refuse(value, to.size());
        std::ranges::copy(*bytes, to.begin());
        return {};
    }

    /// A number, also as text; its bits as 0x3f800000.
    static problem real(const json &value, bytes_view to) {
        if (to.size() == sizeof(double)) return real_of<double>(value, to);
        if (to.size() == sizeof(float)) return real_of<float>(value, to);
        return plain(value, to);
    }

    template <typename Real>
    static problem real_of(const json &value, bytes_view to) {
        Real number = 0;
        if (value.is_number()) {
            number = value.get<Real>();
        } else if (value.is_string()) {
            const auto &text = value.get_ref<const std::string &>();
            if (text.starts_with("0x")) return plain(value, to);
            const char *const last = text.data() + text.size();
            const auto [end, code] = std::from_chars(text.data(), last, number);
            if (code != std::errc{} or end != last) return refuse(value, to.size());
        } else {
            return refuse(value, to.size());
        }
        std::memcpy(to.data(), &number, sizeof number);
        return {};
    }

    /// Two hexadecimal digits for each byte.
    static problem digits(const json &value, bytes_view to) {
        if (not value.is_string()) return refuse(value, to.size());
        const auto &text = value.get_ref<const std::string &>();
        if (text.size() != 2 * to.size()) return refuse(value, to.size());
        for (std::size_t i = 0; i < to.size(); ++i) {
            const char *const end = text.data() + 2 * i + 2;
            if (std::from_chars(text.data() + 2 * i, end, to[i], 16).ptr != end)
                return refuse(value, to.size());
        }
        return {};
    }

    /// Text of an array of char, which ends where the array or a zero does; or digits: these are
    /// more than the array has room for. Arrays of other things may be numbers, too.
    problem text(const btf_type &t, const json &value, bytes_view to) const {
        if (not value.is_string()) return refuse(value, to.size());
        const auto &characters = value.get_ref<const std::string &>();
        if (characters.size() == 2 * to.size()) return digits(value, to);
        if (not is_text_array(*types_, t)) return plain(value, to);
        if (characters.size() > to.size()) return refuse(value, to.size());
        std::ranges::fill(to, uint8_t{0});
        std::ranges::copy(characters, to.begin());
        return {};
    }

    problem enumerator(const btf_type &t, const json &value, bytes_view to) const {
        if (value.is_string()) {
            const auto &name = value.get_ref<const std::string &>();
            for (const auto &e : types_->enumerators(t)) {
                if (e.name != name) continue;
                std::memcpy(to.data(), &e.value, std::min(to.size(), sizeof e.value));
                return {};
            }
        }
        return plain(value, to);
    }

    // --- what consists of parts

    problem composite(const btf_type &t, const json &value, bytes_view to, unsigned depth) const {
        std::size_t known = 0;
        for (std::size_t i = 0; const btf_member &m : types_->members(t)) {
            const std::string name = m.name.empty() ? fmt::format("_{}", i) : std::string{m.name};
            ++i;
            const auto part = value.find(name);
            if (part == value.end()) continue;
            ++known;
            if (part->is_null()) continue;
            if (auto wrong = member(m, *part, to, depth))
                return fmt::format("{}: {}", name, *wrong);
        }
        if (known == value.size()) return {};
        return fmt::format("{} has members that are not in {}", to_text(value),
                           t.name.empty() ? "the struct" : printable(t.name));
    }

    problem member(const btf_member &m, const json &value, bytes_view to, unsigned depth) const {
        if (m.bit_size != 0) return bit_field(m, value, to);
        const std::size_t begin = m.bit_offset / 8;
        const uint64_t size = types_->size_of(m.type).value_or(0);
        if (begin > to.size() or size > to.size() - begin) return refuse(value, size);
        return write(m.type, value, to.subspan(begin, size), depth + 1);
    }

    problem bit_field(const btf_member &m, const json &value, bytes_view to) const {
        const std::size_t begin = m.bit_offset / 8;
        const unsigned shift = m.bit_offset % 8;
        const std::size_t bytes = (shift + m.bit_size + 7) / 8;
        uint64_t wanted = 0;
        if (begin > to.size() or bytes > to.size() - begin or bytes > sizeof wanted)
            return refuse(value, bytes);
        const bytes_view word{reinterpret_cast<uint8_t *>(&wanted), sizeof wanted};
        const btf_type &t = types_->type(types_->resolve(m.type));
        if (auto wrong = t.is_enum() ? enumerator(t, value, word) : plain(value, word))
            return wrong;
        const uint64_t mask = ~uint64_t{0} >> (64 - m.bit_size);
        const bool fits = (wanted & ~mask) == 0 or (wanted | mask >> 1) == ~uint64_t{0};
        if (not fits) return fmt::format("{} does not fit {} bits", to_text(value), m.bit_size);
        uint64_t there = 0;
        std::memcpy(&there, to.data() + begin, bytes);
        there = (there & ~(mask << shift)) | (wanted & mask) << shift;
        std::memcpy(to.data() + begin, &there, bytes);
        return {};
    }

    problem array(const btf_type &t, const json &value, bytes_view to, unsigned depth) const {
        const uint64_t each = types_->size_of(t.type).value_or(0);
        if (each == 0 or value.size() > to.size() / each)
            return fmt::format("{} elements, but it has {}", value.size(),
                               each == 0 ? 0 : to.size() / each);
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (auto wrong = write(t.type, value[i], to.subspan(i * each, each), depth + 1))
                return fmt::format("[{}]: {}", i, *wrong);
        }
        return {};
    }

    const btf *types_;
};

}  // namespace

result<std::vector<uint8_t>> from_json(const object::btf *types, uint32_t type, const json &value,
                                       std::size_t size, std::string_view subject) {
    std::vector<uint8_t> bytes(size);
    if (const auto wrong = value_writer{types}.write(type, value, bytes)) {
        return std::unexpected{
            make_error(error_code::invalid_argument, fmt::format("{}: {}", subject, *wrong))};
    }
    return bytes;
}

}  // namespace bpftime::vm::runtime_json
