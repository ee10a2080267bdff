// bpftime-vm: variables of an object by name
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "globals.hpp"

#include "object/type_name.hpp"
#include "wire.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <set>

namespace bpftime::vm::object {

namespace {

std::unexpected<error> fail(error_code code, std::string_view detail) {
    return std::unexpected{make_error(code, detail)};
}

/// The type of the variable at `offset` of the section that `map` is.
uint32_t type_at(const image &object, const object_map &map, uint64_t offset) {
    if (not object.types or map.value_type == 0) return 0;
    const auto variables = object.types->variables(object.types->type(map.value_type));
    const auto found = std::ranges::find(variables, offset, &btf_variable::offset);
    if (found == variables.end()) return 0;
    const btf_type &variable = object.types->type(found->type);
    return variable.kind == btf_kind::variable ? variable.type : 0;
}

bool is_variable(const image &object, const elf_symbol &s) {
    if (object.elf.section_of(s) == nullptr or s.type == STT_SECTION) return false;
    const uint32_t map = object.data_maps[s.section];
    return map != no_map and object.maps[map].origin != map_origin::jump_tables;
}

/// Global variables come before static ones, of which several may have one name.
result<const elf_symbol *> find_symbol(const image &object, std::string_view name) {
    const elf_symbol *found = nullptr;
    unsigned hidden = 0;
    for (const elf_symbol &s : object.elf.symbols) {
        if (s.name != name or not is_variable(object, s)) continue;
        if (s.binding != STB_LOCAL) return &s;
        found = &s;
        ++hidden;
    }
    if (hidden == 1) return found;
    if (hidden == 0)
        return fail(error_code::not_found,
                    fmt::format("the object has no global variable '{}'", printable(name)));
    return fail(
        error_code::invalid_argument,
        fmt::format("the object has {} static variables '{}': rename them, or make one global",
                    hidden, printable(name)));
}

std::optional<global_variable> find_configuration(const image &object, std::string_view name) {
    for (const auto &[symbol, e] : object.externals) {
        if (e.kind != external_kind::config or object.elf.symbols[symbol].name != name) continue;
        const auto size = object.types->size_of(e.type).value_or(0);
        return global_variable{object.config_map, e.offset, static_cast<uint32_t>(size), e.type};
    }
    return {};
}

result<global_variable> find_variable(const image &object, std::string_view name) {
    if (const auto configured = find_configuration(object, name)) return *configured;
    const auto symbol = find_symbol(object, name);
    if (not symbol) return std::unexpected{symbol.error()};
    const elf_symbol &s = **symbol;
    const uint32_t index = object.data_maps[s.section];
    const object_map &map = object.maps[index];
    if (not wire::fits(s.value, s.size, data_size(map))) {
        return fail(error_code::bad_object,
                    fmt::format("the variable '{}' ({} bytes at {}) does not fit section '{}' of "
                                "{} bytes",
                                printable(name), s.size, s.value, map.section, data_size(map)));
    }
    return global_variable{index, static_cast<uint32_t>(s.value), static_cast<uint32_t>(s.size),
                           type_at(object, map, s.value)};
}

/// Goes from a variable to a part of it, as C names it: ".limits[2].most".
class part_finder {
public:
    part_finder(const btf &types, const global_variable &whole, std::string_view name)
        : types_{types}, part_{whole}, name_{name} {}

    /// `at`: where in the name the part begins.
    result<global_variable> find(std::size_t at) && {
        while (at != name_.size()) {
            const std::size_t end = std::min(name_.find_first_of(".[", at + 1), name_.size());
            const auto step = name_.substr(at, end - at);
            const auto done =
                step.front() == '.' ? enter_member(step.substr(1), at) : enter_element(step, at);
            if (not done) return std::unexpected{done.error()};
            at = end;
        }
        return part_;
    }

private:
    static constexpr unsigned most_steps = 1 << 16;

    [[nodiscard]] const btf_type &type() const { return types_.type(types_.resolve(part_.type)); }

    [[nodiscard]] std::unexpected<error> refuse(std::size_t at, std::string_view why) const {
        return vm::object::fail(error_code::not_found,
                                fmt::format("the object has no variable '{}': '{}' {}",
                                            printable(name_), printable(name_.substr(0, at)), why));
    }

    result<void> enter(uint32_t type, uint64_t offset, std::size_t at) {
        const uint64_t size = types_.size_of(type).value_or(0);
        if (size == 0 or not wire::fits(offset, size, part_.size))
            return refuse(at, "is smaller than its type says");
        part_.offset += static_cast<uint32_t>(offset);
        part_.size = static_cast<uint32_t>(size);
        part_.type = type;
        return {};
    }

    result<void> enter_member(std::string_view member, std::size_t at) {
        if (not type().is_composite())
            return refuse(
                at, fmt::format("is no struct, but of type {}", type_name(types_, part_.type)));
        unsigned steps = 0;
        const auto found = find_member(types_.resolve(part_.type), member, 0, steps);
        if (not found) return refuse(at, fmt::format("has no member '{}'", printable(member)));
        if (found->bit_size != 0 or found->bit_offset % 8 != 0) {
            return refuse(at, fmt::format("has '{}' as a bit field: it has no bytes of its own",
                                          printable(member)));
        }
        return enter(found->type, found->bit_offset / 8, at);
    }

    /// Also among those of members without names. Types may contain themselves: depth and work are
    /// bounded.
    [[nodiscard]] std::optional<btf_member> find_member(uint32_t composite, std::string_view wanted,
                                                        unsigned depth, unsigned &steps) const {
        if (depth > btf::longest_chain) return {};
        for (const btf_member &m : types_.members(types_.type(composite))) {
            if (++steps > most_steps) return {};
            if (m.name == wanted and not m.name.empty()) return m;
            if (not m.name.empty()) continue;
            auto inside = find_member(types_.resolve(m.type), wanted, depth + 1, steps);
            if (not inside) continue;
            inside->bit_offset += m.bit_offset;
            return inside;
        }
        return {};
    }

    /// `step`: "[2]".
    result<void> enter_element(std::string_view step, std::size_t at) {
        const btf_type &array = type();
        if (array.kind != btf_kind::array)
            return refuse(
                at, fmt::format("is no array, but of type {}", type_name(types_, part_.type)));
        uint32_t index = 0;
        const char *const end = step.data() + step.size();
        const auto [rest, problem] = std::from_chars(step.data() + 1, end, index);
        if (problem != std::errc{} or rest + 1 != end or *rest != ']')
            return refuse(at, fmt::format("is an array: '{}' is no [NUMBER]", printable(step)));
        if (index >= array.extra) return refuse(at, fmt::format("has {} elements", array.extra));
        return enter(array.type, index * types_.size_of(array.type).value_or(0), at);
    }

    const btf &types_;
    global_variable part_;
    std::string_view name_;
};

/// The bytes of a variable to be written, made if they were only known to be zero.
std::span<uint8_t> place_of(image &object, const global_variable &v) {
    object_map &map = object.maps[v.map];
    for (auto &[symbol, e] : object.externals) {
        if (v.map != object.config_map or e.kind != external_kind::config) continue;
        const uint64_t size = object.types->size_of(e.type).value_or(0);
        if (v.offset >= e.offset and v.offset - e.offset < size) e.resolved = true;
    }
    map.contents.resize(data_size(map));
    return std::span{map.contents}.subspan(v.offset, v.size);
}

/// Whether the low bytes of `number` are all of it, read as the type says, or in either way.
bool fits(int64_t number, std::size_t size, std::optional<bool> is_signed) {
    if (size >= sizeof number) return true;
    const auto bits = static_cast<unsigned>(8 * size);
    const int64_t half = int64_t{1} << (bits - 1);
    const bool as_signed = number >= -half and number < half;
    const bool as_unsigned = number >= 0 and number < 2 * half;
    if (not is_signed) return as_signed or as_unsigned;
    return *is_signed ? as_signed : as_unsigned;
}

std::optional<bool> signedness(const image &object, uint32_t type) {
    if (type == 0) return {};
    const btf_type &t = object.types->type(object.types->resolve(type));
    if (t.kind != btf_kind::integer and not t.is_enum()) return {};
    return t.is_signed();
}

}  // namespace

/// Names of static variables in functions have dots, too: the longest name of one is it.
result<global_variable> find_global(const image &object, std::string_view name) {
    auto whole = find_variable(object, name);
    std::size_t end = name.size();
    while (not whole and whole.error().code == error_code::not_found and end != 0) {
        end = name.find_last_of(".[", end - 1);
        if (end == name.npos) break;
        auto shorter = find_variable(object, name.substr(0, end));
        if (not shorter and shorter.error().code == error_code::not_found) continue;
        if (not shorter) return shorter;
        if (not object.types or shorter->type == 0) {
            return fail(error_code::not_found,
                        fmt::format("the object has no variable '{}': it has '{}', but no types "
                                    "(clang -g) that say what that consists of",
                                    printable(name), printable(name.substr(0, end))));
        }
        return part_finder{*object.types, *shorter, name}.find(end);
    }
    return whole;
}

std::vector<std::string> list_globals(const image &object) {
    std::vector<std::string> names;
    std::set<std::string, std::less<>> known;
    const auto add = [&](std::string_view name) {
        if (name.empty() or known.contains(name) or not find_variable(object, name)) return;
        known.emplace(name);
        names.emplace_back(name);
    };
    for (uint32_t i = 0; i < object.maps.size(); ++i) {
        const object_map &m = object.maps[i];
        if (m.origin != map_origin::data and m.origin != map_origin::config) continue;
        if (object.types and m.value_type != 0) {
            for (const btf_variable &v : object.types->variables(object.types->type(m.value_type)))
                add(object.types->type(v.type).name);
        }
        for (const elf_symbol &s : object.elf.symbols) {
            if (s.size != 0 and is_variable(object, s) and object.data_maps[s.section] == i)
                add(s.name);
        }
    }
    return names;
}

result<std::vector<uint8_t>> read_global(const image &object, std::string_view name) {
    const auto v = find_global(object, name);
    if (not v) return std::unexpected{v.error()};
    const std::span contents{object.maps[v->map].contents};
    if (contents.empty()) return std::vector<uint8_t>(v->size);
    const auto bytes = contents.subspan(v->offset, v->size);
    return std::vector<uint8_t>{bytes.begin(), bytes.end()};
}

result<void> write_global(image &object, std::string_view name, std::span<const uint8_t> bytes) {
    const auto v = find_global(object, name);
    if (not v) return std::unexpected{v.error()};
    if (bytes.size() != v->size) {
        return fail(error_code::invalid_argument,
                    fmt::format("{} bytes for the variable '{}', which has {}", bytes.size(),
                                printable(name), v->size));
    }
    std::ranges::copy(bytes, place_of(object, *v).begin());
    return {};
}

result<void> write_global(image &object, std::string_view name, int64_t number) {
    const auto v = find_global(object, name);
    if (not v) return std::unexpected{v.error()};
    const bool word = v->size == 1 or v->size == 2 or v->size == 4 or v->size == 8;
    if (not word or not fits(number, v->size, signedness(object, v->type))) {
        return fail(error_code::invalid_argument,
                    fmt::format("{} is no value of the variable '{}' ({} bytes{}{})", number,
                                printable(name), v->size, v->type == 0 ? "" : ", ",
                                v->type == 0 ? "" : type_name(*object.types, v->type)));
    }
    std::memcpy(place_of(object, *v).data(), &number, v->size);
    return {};
}

}  // namespace bpftime::vm::object
