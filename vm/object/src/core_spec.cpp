// bpftime-vm: CO-RE: what an instruction asks about a type
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "core_spec.hpp"

#include "elf_reader.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace bpftime::vm::object {

namespace {

error bad(const btf &types, const core_record &r, std::string_view detail) {
    return {error_code::bad_object,
            {},
            fmt::format("the CO-RE relocation of {} by '{}' {}", types.describe(r.type),
                        printable(r.access), detail)};
}

/// "0:1:2" as numbers; nothing if it is something else.
std::optional<std::vector<uint32_t>> read_access(std::string_view text) {
    std::vector<uint32_t> indexes;
    const char *at = text.data();
    const char *const end = at + text.size();
    while (indexes.size() < core_spec::most_steps) {
        uint32_t index = 0;
        const auto [rest, problem] = std::from_chars(at, end, index);
        if (problem != std::errc{}) return {};
        indexes.push_back(index);
        if (rest == end) return indexes;
        if (*rest != ':') return {};
        at = rest + 1;
    }
    return {};
}

constexpr auto kind_names = std::to_array<std::string_view>(
    {"field offset", "field size", "field exists", "field signed", "field left shift",
     "field right shift", "local type id", "target type id", "type exists", "type size",
     "enumerator exists", "enumerator value", "type matches"});
static_assert(kind_names.size() == static_cast<std::size_t>(core_kind::type_matches) + 1);

class spec_reader {
public:
    spec_reader(const btf &types, const core_record &record) : types_{types}, record_{record} {}

    result<core_spec> read() && {
        if (record_.kind > static_cast<uint32_t>(core_kind::type_matches)) {
            return std::unexpected{
                error{error_code::unsupported,
                      {},
                      fmt::format("CO-RE relocations of kind {} are not known", record_.kind)}};
        }
        const auto access = read_access(record_.access);
        if (not access) return fail("is no list of numbers");
        spec_.kind = core_kind{static_cast<uint8_t>(record_.kind)};
        spec_.root = record_.type;
        if (asks_enumerator(spec_.kind)) return read_enumerator(*access);
        if (asks_field(spec_.kind)) return read_field(*access);
        if (*access != std::vector<uint32_t>{0}) return fail("is not of the whole type");
        return std::move(spec_);
    }

private:
    std::unexpected<error> fail(std::string_view detail) const {
        return std::unexpected{bad(types_, record_, detail)};
    }

    result<core_spec> read_enumerator(std::span<const uint32_t> access) {
        const uint32_t id = types_.resolve(spec_.root);
        const auto enumerators = types_.enumerators(types_.type(id));
        if (access.size() != 1 or access[0] >= enumerators.size())
            return fail("is of no enumerator");
        spec_.steps.push_back({id, access[0], enumerators[access[0]].name});
        return std::move(spec_);
    }

    result<core_spec> read_field(std::span<const uint32_t> access) {
        uint32_t id = types_.resolve(spec_.root);
        spec_.steps.push_back({id, access[0], {}});
        if (not add_elements(access[0], id)) return fail("is of a type without size");
        for (const uint32_t index : access.subspan(1)) {
            id = types_.resolve(id);
            if (not step(index, id)) return fail("leaves the type");
        }
        return std::move(spec_);
    }

    bool add_elements(uint32_t index, uint32_t id) {
        const auto size = types_.size_of(id);
        uint64_t bits = 0;
        return size and not __builtin_mul_overflow(*size * 8, uint64_t{index}, &bits) and
               not __builtin_add_overflow(spec_.bit_offset, bits, &spec_.bit_offset);
    }

    bool step(uint32_t index, uint32_t &id) {
        const btf_type &t = types_.type(id);
        if (t.is_composite()) {
            if (index >= t.count) return false;
            const btf_member &m = types_.members(t)[index];
            spec_.bit_offset += m.bit_offset;
            if (not m.name.empty()) spec_.steps.push_back({id, index, m.name});
            id = m.type;
            return true;
        }
        if (t.kind != btf_kind::array) return false;
        if (index >= t.extra and not is_flexible(types_, spec_.steps.back(), t)) return false;
        id = types_.resolve(t.type);
        spec_.steps.push_back({id, index, {}});
        return add_elements(index, id);
    }

    const btf &types_;
    const core_record &record_;
    core_spec spec_;
};

}  // namespace

std::string_view name_of(core_kind kind) noexcept {
    return kind_names[static_cast<std::size_t>(kind)];
}

bool asks_field(core_kind kind) noexcept { return kind <= core_kind::field_right_shift; }

bool asks_enumerator(core_kind kind) noexcept {
    return kind == core_kind::enumerator_exists or kind == core_kind::enumerator_value;
}

std::string core_spec::describe(const btf &types) const {
    std::string text = types.describe(root);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const core_step &s = steps[i];
        if (not s.name.empty())
            text += fmt::format("{}{}", asks_enumerator(kind) ? "::" : ".", printable(s.name));
        else if (i > 0 or s.index > 0)
            text += fmt::format("[{}]", s.index);
    }
    return text;
}

std::string_view essential_name(std::string_view name) noexcept {
    for (auto at = name.rfind("___"); at != name.npos and at > 0; at = name.rfind("___", at - 1)) {
        const bool between = name[at - 1] != '_' and at + 3 < name.size() and name[at + 3] != '_';
        if (between) return name.substr(0, at);
    }
    return name;
}

bool is_flexible(const btf &types, const core_step &last, const btf_type &array) {
    return not last.name.empty() and array.extra == 0 and
           last.index + 1 == types.type(last.type).count;
}

result<core_spec> read_core_spec(const btf &types, const core_record &record) {
    return spec_reader{types, record}.read();
}

}  // namespace bpftime::vm::object
