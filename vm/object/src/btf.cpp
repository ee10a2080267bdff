// bpftime-vm: questions about BTF types
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object/btf.hpp"

#include "elf_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bpftime::vm::object {

namespace {

constexpr uint32_t pointer_size = 8;

bool is_modifier(btf_kind kind) {
    return kind == btf_kind::type_definition or kind == btf_kind::volatile_ or
           kind == btf_kind::const_ or kind == btf_kind::restrict_ or kind == btf_kind::type_tag;
}

bool has_size(btf_kind kind) {
    constexpr auto kinds = std::to_array<btf_kind>(
        {btf_kind::integer, btf_kind::structure, btf_kind::union_, btf_kind::enumeration,
         btf_kind::enumeration64, btf_kind::floating, btf_kind::section});
    return std::ranges::find(kinds, kind) != kinds.end();
}

constexpr auto kind_names = std::to_array<std::string_view>({"void",     "int",
                                                             "pointer",  "array",
                                                             "struct",   "union",
                                                             "enum",     "forward",
                                                             "typedef",  "volatile",
                                                             "const",    "restrict",
                                                             "function", "function prototype",
                                                             "variable", "section",
                                                             "float",    "declaration tag",
                                                             "type tag", "enum64"});

}  // namespace

std::optional<uint32_t> btf::find(std::string_view name, btf_kind kind) const noexcept {
    const auto found = std::ranges::find_if(
        types_, [&](const btf_type &t) { return t.kind == kind and t.name == name; });
    if (found == types_.end()) return {};
    return static_cast<uint32_t>(found - types_.begin());
}

uint32_t btf::resolve(uint32_t id) const noexcept {
    for (unsigned step = 0; step < longest_chain; ++step) {
        if (not is_modifier(types_[id].kind)) return id;
        id = types_[id].type;
    }
    return 0;
}

std::optional<uint64_t> btf::size_of(uint32_t id) const noexcept {
    uint64_t elements = 1;
    for (unsigned step = 0; step < longest_chain; ++step) {
        const btf_type &t = types_[id];
        uint64_t size = 0;
        if (has_size(t.kind) or t.kind == btf_kind::pointer) {
            size = t.kind == btf_kind::pointer ? pointer_size : t.size;
            if (__builtin_mul_overflow(size, elements, &size)) return {};
            return size;
        }
        const bool array = t.kind == btf_kind::array;
        if (not array and not is_modifier(t.kind) and t.kind != btf_kind::variable) return {};
        if (array and __builtin_mul_overflow(elements, uint64_t{t.extra}, &elements)) return {};
        id = t.type;
    }
    return {};
}

std::optional<std::string_view> btf::string_at(uint32_t offset) const noexcept {
    if (offset >= strings_.size()) return {};
    return std::string_view{strings_.data() + offset};  // the table ends in a zero byte
}

std::string btf::describe(uint32_t id) const {
    const btf_type &t = types_[id];
    const std::string_view kind = kind_names[static_cast<std::size_t>(t.kind)];
    return t.name.empty() ? fmt::format("{} (type {})", kind, id)
                          : fmt::format("{} {}", kind, printable(t.name));
}

}  // namespace bpftime::vm::object
