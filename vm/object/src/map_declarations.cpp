// bpftime-vm: maps that BTF describes: section .maps, with the conventions of libbpf
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "maps.hpp"
#include "object/value_fields.hpp"
#include "wire.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bpftime::vm::object {

namespace {

using maybe_error = std::optional<error>;

constexpr uint32_t slot_value_size =
    4;  // what a program sees of a slot that holds a map or program
constexpr uint64_t host_pointer_size = 8;

bool holds_maps(map_type type) {
    return type == map_type::array_of_maps or type == map_type::hash_of_maps;
}

/// One map definition: a struct whose members' types say what its fields are.
class declaration_reader {
public:
    declaration_reader(const btf &types, std::string name) : types_{types}, name_{std::move(name)} {
        out_.definition.name = name_;
    }

    /// Afterwards `slots_at`, if set, is the offset of the initialisers of slots.
    maybe_error read(uint32_t type, bool inner) {
        inner_ = inner;
        const btf_type &t = types_.type(types_.resolve(type));
        if (t.kind != btf_kind::structure) {
            return bad(fmt::format("is a {}, not a struct as libbpf's macros make them",
                                   types_.describe(types_.resolve(type))));
        }
        const auto members = types_.members(t);
        for (const btf_member &m : members) {
            if (m.name == "values" and &m != &members.back())
                return bad("has a member after 'values', which must be the last");
            if (auto e = read_member(m)) return e;
        }
        if (out_.definition.type == map_type::unspec) return bad("has no type");
        return {};
    }

    object_map take() && { return std::move(out_); }
    std::optional<uint64_t> slots_at() const { return slots_at_; }

private:
    using field_reader = maybe_error (declaration_reader::*)(const btf_member &);

    struct field {
        std::string_view name;
        field_reader read;
    };
    static const std::array<field, 11> fields;

    error bad(std::string_view detail) const {
        return make_error(error_code::bad_object, fmt::format("the map '{}' {}", name_, detail));
    }

    maybe_error read_member(const btf_member &m);

    /// The number that __uint(name, number) or __ulong(name, number) wrote.
    maybe_error number(const btf_member &m, uint64_t &out, uint64_t most = UINT32_MAX) const {
        const btf_type &t = types_.type(types_.resolve(m.type));
        const btf_type &array = types_.type(t.type);
        if (t.kind == btf_kind::pointer and array.kind == btf_kind::array)
            out = array.extra;
        else if (t.is_enum() and t.count == 1)
            out = types_.enumerators(t).front().value;
        else
            return bad(fmt::format("has no number as its '{}'", printable(m.name)));
        if (out <= most) return {};
        return bad(fmt::format("has the '{}' {}, which exceeds {}", printable(m.name), out, most));
    }

    maybe_error word(const btf_member &m, uint32_t &out) const {
        uint64_t value = 0;
        auto e = number(m, value);
        out = static_cast<uint32_t>(value);
        return e;
    }

    maybe_error read_type(const btf_member &m) {
        uint32_t type = 0;
        auto e = word(m, type);
        out_.definition.type = map_type{type};
        return e;
    }
    maybe_error read_max_entries(const btf_member &m) {
        return word(m, out_.definition.max_entries);
    }
    maybe_error read_flags(const btf_member &m) { return word(m, out_.definition.flags); }
    maybe_error read_numa_node(const btf_member &m) { return word(m, out_.definition.numa_node); }
    maybe_error read_extra(const btf_member &m) {
        return number(m, out_.definition.map_extra, UINT64_MAX);
    }

    maybe_error set_size(std::string_view what, uint64_t size, uint32_t &out) const {
        if (size > INT32_MAX) return bad(fmt::format("has a {} of {} bytes", what, size));
        if (out != 0 and out != size)
            return bad(fmt::format("has a {} of both {} and {} bytes", what, out, size));
        out = static_cast<uint32_t>(size);
        return {};
    }

    maybe_error read_size(const btf_member &m, uint32_t &out) const {
        uint32_t size = 0;
        if (auto e = word(m, size)) return e;
        return set_size(m.name.substr(0, m.name.find('_')), size, out);
    }
    maybe_error read_key_size(const btf_member &m) {
        return read_size(m, out_.definition.key_size);
    }
    maybe_error read_value_size(const btf_member &m) {
        return read_size(m, out_.definition.value_size);
    }

    /// __type(key, T) is a pointer to T.
    maybe_error read_typed(const btf_member &m, uint32_t &size, uint32_t &id) const {
        const btf_type &t = types_.type(types_.resolve(m.type));
        const auto bytes = types_.size_of(t.type);
        if (t.kind != btf_kind::pointer or not bytes)
            return bad(fmt::format("has no type of known size as its '{}'", printable(m.name)));
        id = t.type;
        return set_size(m.name, *bytes, size);
    }
    maybe_error read_key(const btf_member &m) {
        return read_typed(m, out_.definition.key_size, out_.key_type);
    }
    maybe_error read_value(const btf_member &m) {
        auto e = read_typed(m, out_.definition.value_size, out_.value_type);
        if (not e) out_.definition.fields = find_value_fields(types_, out_.value_type);
        return e;
    }

    maybe_error read_pinning(const btf_member &m) {
        uint64_t how = 0;
        if (auto e = number(m, how)) return e;
        if (inner_ and how != 0) return bad("is pinned, which only outer maps can be");
        // libbpf knows one way to pin; other loaders have numbers of their own.
        out_.pinned = how != 0;
        return {};
    }

    /// __array(values, T) is an array of no length of pointers to maps or programs like T.
    maybe_error read_values(const btf_member &m) {
        const map_type type = out_.definition.type;
        if (inner_) return bad("holds maps and is in a map: there are only two levels");
        if (not holds_maps(type) and type != map_type::prog_array)
            return bad("has 'values' before its type, or is no map of maps or programs");
        const btf_type &array = types_.type(types_.resolve(m.type));
        const btf_type &pointer = types_.type(types_.resolve(array.type));
        if (array.kind != btf_kind::array or array.extra != 0 or
            pointer.kind != btf_kind::pointer or m.bit_offset % 8 != 0)
            return bad("has 'values' that are no array of pointers of no length");
        slots_at_ = m.bit_offset / 8;
        if (auto e = set_size("value", slot_value_size, out_.definition.value_size)) return e;
        if (type == map_type::prog_array) return {};
        declaration_reader reader{types_, name_ + ".inner"};
        if (auto e = reader.read(pointer.type, true)) return e;
        out_.inner = std::move(reader).take().definition;
        return {};
    }

    const btf &types_;
    std::string name_;
    bool inner_ = false;
    object_map out_;
    std::optional<uint64_t> slots_at_;
};

const std::array<declaration_reader::field, 11> declaration_reader::fields{{
    {"type", &declaration_reader::read_type},
    {"max_entries", &declaration_reader::read_max_entries},
    {"map_flags", &declaration_reader::read_flags},
    {"numa_node", &declaration_reader::read_numa_node},
    {"key_size", &declaration_reader::read_key_size},
    {"key", &declaration_reader::read_key},
    {"value_size", &declaration_reader::read_value_size},
    {"value", &declaration_reader::read_value},
    {"values", &declaration_reader::read_values},
    {"pinning", &declaration_reader::read_pinning},
    {"map_extra", &declaration_reader::read_extra},
}};

maybe_error declaration_reader::read_member(const btf_member &m) {
    const auto known = std::ranges::find(fields, m.name, &field::name);
    if (known != fields.end()) return (this->*known->read)(m);
    return bad(fmt::format("has the unknown member '{}'", printable(m.name)));
}

/// A declared map of section .maps while its slots are being read.
struct declared {
    uint32_t map;
    uint64_t begin;
    uint64_t end;
    std::optional<uint64_t> slots_at;
};

class maps_section_reader {
public:
    maps_section_reader(image &out, uint32_t section)
        : out_{out}, elf_{out.elf.sections[section]} {}

    maybe_error read() && {
        const auto id =
            out_.types ? out_.types->find(declared_map_section, btf_kind::section) : std::nullopt;
        if (not id) {
            return make_error(error_code::bad_object,
                              "maps in section '.maps' without BTF that describes them: compile "
                              "with `clang -g`");
        }
        const auto described = out_.types->variables(out_.types->type(*id));
        std::vector<btf_variable> variables{described.begin(), described.end()};
        std::ranges::stable_sort(variables, {}, &btf_variable::offset);
        for (const btf_variable &v : variables) {
            // Another object may define it: see object_file::combine().
            const btf_type &variable = out_.types->type(v.type);
            const bool elsewhere =
                variable.kind == btf_kind::variable and variable.linkage() == btf_linkage::external;
            if (elsewhere) continue;
            if (auto e = read_map(v)) return e;
        }
        for (const elf_relocation &r : elf_.relocations) {
            if (auto e = read_slot(r)) return e;
        }
        return {};
    }

private:
    static error bad(std::string_view detail) { return make_error(error_code::bad_object, detail); }

    maybe_error read_map(const btf_variable &v) {
        const btf_type &variable = out_.types->type(v.type);
        const std::string name = printable(variable.name);
        if (variable.kind != btf_kind::variable or name.empty())
            return bad(fmt::format("section '.maps' holds the {}, which is no named variable",
                                   out_.types->describe(v.type)));
        if (not wire::fits(v.offset, v.size, elf_.size))
            return bad(
                fmt::format("the map '{}' ({} bytes at {}) does not fit section '.maps' of "
                            "{} bytes",
                            name, v.size, v.offset, elf_.size));
        declaration_reader reader{*out_.types, name};
        if (auto e = reader.read(variable.type, false)) return e;
        const auto index = static_cast<uint32_t>(out_.maps.size());
        out_.maps_by_place.try_emplace({out_.elf.index_of(elf_), v.offset}, index);
        declared_.push_back({index, v.offset, uint64_t{v.offset} + v.size, reader.slots_at()});
        object_map map = std::move(reader).take();
        map.section = declared_map_section;
        map.offset = v.offset;
        out_.maps.push_back(std::move(map));
        return {};
    }

    /// A pointer in section .maps: what an array of maps or programs holds at first.
    maybe_error read_slot(const elf_relocation &r) {
        const auto after = std::ranges::upper_bound(declared_, r.offset, {}, &declared::begin);
        if (after == declared_.begin() or r.offset >= std::prev(after)->end)
            return bad(fmt::format("a pointer at offset {} of section '.maps', where no map is",
                                   r.offset));
        const declared &d = *std::prev(after);
        object_map &map = out_.maps[d.map];
        const uint64_t begin = d.begin + d.slots_at.value_or(0);
        if (not d.slots_at or r.offset < begin or (r.offset - begin) % host_pointer_size != 0)
            return bad(fmt::format("the map '{}' holds a pointer at offset {}, which is no slot",
                                   map.definition.name, r.offset - d.begin));
        const auto index = static_cast<uint32_t>((r.offset - begin) / host_pointer_size);
        return fill_slot(map, index, out_.elf.symbols[r.symbol]);
    }

    maybe_error fill_slot(object_map &map, uint32_t index, const elf_symbol &symbol) {
        const bool programs = map.definition.type == map_type::prog_array;
        const elf_section *target = out_.elf.section_of(symbol);
        const bool good =
            target != nullptr and not symbol.name.empty() and
            (programs ? target->is_executable() and symbol.type == STT_FUNC : target == &elf_);
        if (not good)
            return bad(fmt::format("slot {} of the map '{}' holds '{}', which is no {}", index,
                                   map.definition.name, printable(symbol.name),
                                   programs ? "program" : "map of section '.maps'"));
        // A hash has its slots by key.
        const bool is_array = map.definition.type != map_type::hash_of_maps;
        const uint32_t size = map.definition.max_entries;
        if (is_array and index >= size and size != 0)
            return bad(fmt::format("slot {} of the map '{}' exceeds its {} entries", index,
                                   map.definition.name, size));
        map.slots.push_back({index, programs, printable(symbol.name)});
        return {};
    }

    image &out_;
    const elf_section &elf_;
    std::vector<declared> declared_;
};

}  // namespace

std::optional<error> read_declared_maps(image &out, uint32_t section) {
    return maps_section_reader{out, section}.read();
}

}  // namespace bpftime::vm::object
