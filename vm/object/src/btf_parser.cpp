// bpftime-vm: reading BTF, trusting nothing
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "elf_reader.hpp"
#include "object/btf.hpp"
#include "wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bpftime::vm::object {

namespace {

constexpr uint16_t magic = 0xeb9f;
constexpr uint16_t magic_of_the_other_order = 0x9feb;
constexpr uint32_t shortest_header = 24;
constexpr uint32_t type_head_size = 12;

error bad(std::string_view detail) {
    return make_error(error_code::bad_object, fmt::format("damaged BTF: {}", detail));
}

/// What follows the three words of a type: fixed bytes, and bytes for each of its parts.
struct kind_layout {
    uint8_t fixed;
    uint8_t part;
    bool sized;  ///< the third word is a size, not a type
};

constexpr auto layouts = std::to_array<kind_layout>({
    {0, 0, true},   // void: never written
    {4, 0, true},   // integer
    {0, 0, false},  // pointer
    {12, 0, true},  // array; the third word is unused
    {0, 12, true},  // structure
    {0, 12, true},  // union
    {0, 8, true},   // enumeration
    {0, 0, true},   // forward; the third word is unused
    {0, 0, false},  // type definition
    {0, 0, false},  // volatile
    {0, 0, false},  // const
    {0, 0, false},  // restrict
    {0, 0, false},  // function
    {0, 8, false},  // function prototype
    {4, 0, false},  // variable
    {0, 12, true},  // section
    {0, 0, true},   // floating
    {4, 0, false},  // declaration tag
    {0, 0, false},  // type tag
    {0, 12, true},  // enumeration64
});
static_assert(layouts.size() == static_cast<std::size_t>(btf_kind::enumeration64) + 1);

}  // namespace

class btf_parser {
public:
    explicit btf_parser(std::span<const uint8_t> bytes) : bytes_{bytes} {}

    result<btf> parse() && {
        if (auto e = read_header()) return std::unexpected{std::move(*e)};
        out_.types_.emplace_back();  // void
        while (not types_.empty()) {
            if (auto e = read_type()) return std::unexpected{std::move(*e)};
        }
        if (auto e = check_ids()) return std::unexpected{std::move(*e)};
        return std::move(out_);
    }

private:
    using maybe_error = std::optional<error>;

    maybe_error read_header() {
        if (bytes_.size() < shortest_header) {
            return bad(fmt::format("{} bytes are shorter than its header of {}", bytes_.size(),
                                   shortest_header));
        }
        const auto found = wire::read<uint16_t>(bytes_, 0);
        if (found == magic_of_the_other_order) {
            return make_error(error_code::unsupported, "big-endian BTF is not supported");
        }
        if (found != magic)
            return bad(fmt::format("it begins with {:#06x}, not {:#06x}", found, magic));
        const auto version = bytes_[2];
        if (version != 1) {
            return make_error(error_code::unsupported,
                              fmt::format("BTF of version {} is not supported, only 1", version));
        }
        return read_parts();
    }

    maybe_error read_parts() {
        const auto word = [&](std::size_t at) {
            return uint64_t{wire::read<uint32_t>(bytes_, at)};
        };
        const uint64_t header = word(4);
        if (header < shortest_header or header > bytes_.size())
            return bad(fmt::format("a header of {} bytes in {}", header, bytes_.size()));
        const auto rest = bytes_.subspan(header);
        const auto part = [&](uint64_t offset, uint64_t length) -> std::span<const uint8_t> {
            if (offset > rest.size() or length > rest.size() - offset) return {};
            return rest.subspan(offset, length);
        };
        types_ = part(word(8), word(12));
        const auto strings = part(word(16), word(20));
        if (types_.size() != word(12) or strings.size() != word(20))
            return bad(fmt::format("types ({} bytes at {}) or strings ({} bytes at {}) exceed {}",
                                   word(12), word(8), word(20), word(16), rest.size()));
        if (strings.empty() or strings.front() != 0 or strings.back() != 0)
            return bad("its strings do not begin and end with a zero byte");
        out_.strings_.assign(strings.begin(), strings.end());
        return {};
    }

    /// Ids and names are told from the type that holds them.
    error bad_type(std::string_view detail) const {
        return bad(fmt::format("type {}: {}", out_.types_.size(), detail));
    }

    maybe_error name(uint32_t offset, std::string_view &out) const {
        const auto found = out_.string_at(offset);
        if (not found) {
            return bad_type(fmt::format("its name at {} is outside the strings of {} bytes", offset,
                                        out_.strings_.size()));
        }
        out = *found;
        return {};
    }

    maybe_error read_type() {
        if (types_.size() < type_head_size) return bad_type("its words are cut off");
        const auto info = wire::read<uint32_t>(types_, 4);
        const auto third = wire::read<uint32_t>(types_, 8);
        const uint32_t kind = info >> 24 & 0x1f;
        if (kind == 0 or kind >= layouts.size()) {
            return make_error(
                error_code::unsupported,
                fmt::format("BTF type {} has the unknown kind {}", out_.types_.size(), kind));
        }
        const kind_layout &layout = layouts[kind];
        btf_type t;
        t.kind = btf_kind{static_cast<uint8_t>(kind)};
        t.flag = info >> 31 != 0;
        t.count = info & 0xffff;
        (layout.sized ? t.size : t.type) = third;
        if (auto e = name(wire::read<uint32_t>(types_, 0), t.name)) return e;
        const std::size_t size = type_head_size + layout.fixed + std::size_t{layout.part} * t.count;
        if (size > types_.size()) return bad_type("its parts are cut off");
        const auto tail = types_.subspan(type_head_size, size - type_head_size);
        if (auto e = read_tail(t, tail)) return e;
        types_ = types_.subspan(size);
        out_.types_.push_back(t);
        return {};
    }

    maybe_error read_tail(btf_type &t, std::span<const uint8_t> tail) {
        const auto word = [&](std::size_t i) { return wire::read<uint32_t>(tail, 4 * i); };
        switch (t.kind) {
        case btf_kind::array:
            t.type = word(0);
            t.index = word(1);
            t.extra = word(2);
            t.size = 0;
            return {};
        case btf_kind::integer:
        case btf_kind::variable:
        case btf_kind::declaration_tag: t.extra = word(0); return {};
        case btf_kind::function: t.extra = t.count; return {};
        case btf_kind::structure:
        case btf_kind::union_: return read_parts_of(t, tail, out_.members_, &btf_parser::member);
        case btf_kind::function_prototype:
            return read_parts_of(t, tail, out_.parameters_, &btf_parser::parameter);
        case btf_kind::enumeration:
        case btf_kind::enumeration64:
            return read_parts_of(t, tail, out_.enumerators_, &btf_parser::enumerator);
        case btf_kind::section:
            return read_parts_of(t, tail, out_.variables_, &btf_parser::variable);
        default: return {};
        }
    }

    template <typename Part>
    maybe_error read_parts_of(btf_type &t, std::span<const uint8_t> tail, std::vector<Part> &out,
                              maybe_error (btf_parser::*read)(const btf_type &,
                                                              std::span<const uint8_t>, Part &)
                                  const) {
        t.first = static_cast<uint32_t>(out.size());
        const std::size_t size = layouts[static_cast<std::size_t>(t.kind)].part;
        for (; not tail.empty(); tail = tail.subspan(size)) {
            Part part;
            if (auto e = (this->*read)(t, tail.first(size), part)) return e;
            out.push_back(part);
        }
        return {};
    }

    maybe_error member(const btf_type &t, std::span<const uint8_t> b, btf_member &m) const {
        m.type = wire::read<uint32_t>(b, 4);
        const auto place = wire::read<uint32_t>(b, 8);
        m.bit_offset = t.flag ? place & 0xff'ffff : place;
        m.bit_size = t.flag ? place >> 24 : 0;
        return name(wire::read<uint32_t>(b, 0), m.name);
    }

    maybe_error parameter(const btf_type &, std::span<const uint8_t> b, btf_parameter &p) const {
        p.type = wire::read<uint32_t>(b, 4);
        return name(wire::read<uint32_t>(b, 0), p.name);
    }

    maybe_error enumerator(const btf_type &t, std::span<const uint8_t> b, btf_enumerator &e) const {
        const auto low = wire::read<uint32_t>(b, 4);
        if (t.kind == btf_kind::enumeration64)
            e.value = uint64_t{wire::read<uint32_t>(b, 8)} << 32 | low;
        else
            e.value = t.flag ? static_cast<uint64_t>(int64_t{static_cast<int32_t>(low)}) : low;
        return name(wire::read<uint32_t>(b, 0), e.name);
    }

    maybe_error variable(const btf_type &, std::span<const uint8_t> b, btf_variable &v) const {
        v = {wire::read<uint32_t>(b, 0), wire::read<uint32_t>(b, 4), wire::read<uint32_t>(b, 8)};
        return {};
    }

    /// Types may refer to later ones, so this comes last.
    maybe_error check_ids() const {
        const uint32_t count = out_.size();
        const auto valid = [&](const auto &part) { return part.type < count; };
        for (uint32_t id = 0; id < count; ++id) {
            const btf_type &t = out_.types_[id];
            const bool good = t.type < count and t.index < count and
                              std::ranges::all_of(out_.members(t), valid) and
                              std::ranges::all_of(out_.parameters(t), valid) and
                              std::ranges::all_of(out_.variables(t), valid);
            if (good) continue;
            return bad(fmt::format("{} refers to a type that is not among the {}",
                                   out_.describe(id), count));
        }
        return {};
    }

    std::span<const uint8_t> bytes_;
    std::span<const uint8_t> types_;  ///< what is left to read
    btf out_;
};

result<btf> btf::parse(std::span<const uint8_t> bytes) { return btf_parser{bytes}.parse(); }

}  // namespace bpftime::vm::object
