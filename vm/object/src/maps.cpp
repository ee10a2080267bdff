// bpftime-vm: maps that objects made before BTF declare, and sections of data
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "maps.hpp"

#include "wire.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace bpftime::vm::object {

namespace {

using maybe_error = std::optional<error>;

constexpr uint64_t largest_value = INT32_MAX;

error bad(std::string_view detail) { return make_error(error_code::bad_object, detail); }

constexpr std::size_t word_size = 4;
/// Type, key size, value size, entries; what follows them may be left out.
constexpr uint64_t shortest_legacy = 4 * word_size;

/// The words of a map in section maps, in their order.
constexpr auto legacy_fields = std::to_array<uint32_t map_definition::*>(
    {&map_definition::key_size, &map_definition::value_size, &map_definition::max_entries,
     &map_definition::flags});

/// What follows them where iproute2 is the loader: a number that other parts of the object refer
/// to, and how the map is pinned; in longer structs, the number of the map that is inside it, and
/// where that is put at first.
constexpr std::size_t iproute2_id = 5 * word_size;
constexpr std::size_t iproute2_pinning = 6 * word_size;
constexpr std::size_t iproute2_inner_id = 7 * word_size;
constexpr std::size_t iproute2_inner_slot = 8 * word_size;
constexpr std::size_t short_iproute2 = 7 * word_size;
constexpr std::size_t long_iproute2 = 9 * word_size;
constexpr uint32_t iproute2_nowhere = 0xffff'ffff;

/// Of maps of maps with structs of the shorter size, as the kernel's samples have them: which one
/// of the object's maps, counted from 0, is inside, and the node of memory.
constexpr std::size_t samples_inner = 5 * word_size;
constexpr std::size_t samples_node = 6 * word_size;
constexpr std::size_t samples_size = 7 * word_size;

/// Where gobpf is the loader: how the map is pinned, and the folder for that as text, which the
/// host says here.
constexpr std::size_t gobpf_pinning = 5 * word_size;
constexpr std::size_t gobpf_folder = 6 * word_size;
constexpr std::size_t gobpf_size = gobpf_folder + 256;
constexpr uint32_t gobpf_most_pinning = 3;

struct legacy_place {
    std::string_view name;
    uint64_t begin;
    uint64_t size;
};

/// Symbols of hand-written objects may have no size: such a map ends where the next one begins.
std::vector<legacy_place> find_legacy_maps(const elf_object &elf, uint32_t section) {
    std::vector<legacy_place> places;
    for (const elf_symbol &s : elf.symbols) {
        const bool variable = s.type == STT_OBJECT or s.type == STT_NOTYPE;
        if (s.section == section and variable and not s.name.empty())
            places.push_back({s.name, s.value, s.size});
    }
    std::ranges::sort(places, {}, &legacy_place::begin);
    uint64_t end = elf.sections[section].bytes.size();
    for (std::size_t i = places.size(); i-- > 0;) {
        if (places[i].size == 0 and end > places[i].begin) places[i].size = end - places[i].begin;
        end = places[i].begin;
    }
    return places;
}

bool holds_maps(map_type type) noexcept {
    return type == map_type::array_of_maps or type == map_type::hash_of_maps;
}

bool is_of_samples(const map_definition &d, std::size_t size) noexcept {
    return holds_maps(d.type) and size == samples_size;
}

/// Others, with structs of the shorter size, have a map inside it and a node of memory there.
bool is_of_iproute2(const map_definition &d, std::size_t size) noexcept {
    const bool is_clear = not holds_maps(d.type) and (d.flags & map_numa_node) == 0;
    return size == long_iproute2 or (size == short_iproute2 and is_clear);
}

/// Whether iproute2 knows the value as one that says nothing to others than the loader.
bool is_known_to_iproute2(const map_definition &d, std::size_t at, uint32_t value) noexcept {
    if (at == iproute2_inner_id) return holds_maps(d.type);
    return at == iproute2_id or at == iproute2_pinning or
           (at == iproute2_inner_slot and value == iproute2_nowhere);
}

/// Whether what follows the words that all loaders know is gobpf's.
bool is_of_gobpf(std::span<const uint8_t> bytes) noexcept {
    if (bytes.size() != gobpf_size) return false;
    const auto folder = bytes.subspan(gobpf_folder);
    const auto end = std::ranges::find(folder, uint8_t{0});
    const auto is_text = [](uint8_t byte) { return byte > ' ' and byte < 0x7f; };
    const auto is_nothing = [](uint8_t byte) { return byte == 0; };
    return wire::read<uint32_t>(bytes, gobpf_pinning) <= gobpf_most_pinning and
           std::all_of(folder.begin(), end, is_text) and
           std::all_of(end, folder.end(), is_nothing) and end != folder.end();
}

result<object_map> read_legacy_map(const elf_section &section, const legacy_place &place) {
    const std::string name = printable(place.name);
    if (place.size < shortest_legacy or place.size % word_size != 0 or
        not wire::fits(place.begin, place.size, section.bytes.size())) {
        return std::unexpected{bad(fmt::format(
            "the map '{}' ({} bytes at {}) is no struct of at least {} bytes in section '{}' of {}",
            name, place.size, place.begin, shortest_legacy, printable(section.name),
            section.bytes.size()))};
    }
    const auto bytes = section.bytes.subspan(place.begin, place.size);
    object_map map;
    map.definition.name = name;
    map.definition.type = map_type{wire::read<uint32_t>(bytes, 0)};
    map.origin = map_origin::legacy;
    map.section = printable(section.name);
    map.offset = place.begin;
    const bool is_gobpf = is_of_gobpf(bytes);
    for (std::size_t at = word_size, i = 0; at < bytes.size(); at += word_size, ++i) {
        const auto value = wire::read<uint32_t>(bytes, at);
        if (i < legacy_fields.size())
            map.definition.*legacy_fields[i] = value;
        else if (is_gobpf)
            map.pinned = map.pinned or (at == gobpf_pinning and value != 0);
        else if (is_of_iproute2(map.definition, bytes.size()) and
                 is_known_to_iproute2(map.definition, at, value))
            map.pinned = map.pinned or (at == iproute2_pinning and value != 0);
        else if (is_of_samples(map.definition, bytes.size()) and at == samples_inner)
            continue;  // once all maps are there
        else if (is_of_samples(map.definition, bytes.size()) and at == samples_node)
            map.definition.numa_node = value;
        else if (value != 0)
            return std::unexpected{make_error(
                error_code::unsupported,
                fmt::format("the map '{}' has the value {} at offset {}, whose meaning depends on "
                            "the loader that it was written for: declare it in section '.maps'",
                            name, value, at))};
    }
    return map;
}

/// How a section of variables becomes a map, by the beginning of its name.
struct data_kind {
    std::string_view prefix;
    bool frozen;
};

constexpr auto data_kinds = std::to_array<data_kind>({
    {".data", false},
    {".rodata", true},
    {".bss", false},
});

bool has_prefix(std::string_view name, std::string_view prefix) {
    return name.starts_with(prefix) and
           (name.size() == prefix.size() or name[prefix.size()] == '.');
}

const data_kind *find_data_kind(std::string_view name) {
    const auto found = std::ranges::find_if(
        data_kinds, [&](const data_kind &k) { return has_prefix(name, k.prefix); });
    return found == data_kinds.end() ? nullptr : &*found;
}

maybe_error add_data_map(image &out, uint32_t index, bool frozen, map_origin origin) {
    const elf_section &s = out.elf.sections[index];
    const std::string name = printable(s.name);
    if (s.size > largest_value) {
        return make_error(error_code::limit_exceeded,
                          fmt::format("section '{}' of {} bytes exceeds the limit of {}", name,
                                      s.size, largest_value));
    }
    object_map map;
    map.definition = {.name = name,
                      .type = map_type::array,
                      .key_size = word_size,
                      .value_size = static_cast<uint32_t>(s.size),
                      .max_entries = 1,
                      .flags = map_mmapable | (frozen ? map_rdonly_prog : 0U),
                      .map_extra = 0,
                      .numa_node = 0};
    map.origin = origin;
    map.section = name;
    map.contents.assign(s.bytes.begin(), s.bytes.end());
    map.frozen = frozen;
    out.data_maps[index] = static_cast<uint32_t>(out.maps.size());
    out.maps.push_back(std::move(map));
    return {};
}

/// Variables of programs in their arena: what it holds at first.
maybe_error add_arena_data(image &out, uint32_t index) {
    const elf_section &s = out.elf.sections[index];
    const auto arena = std::ranges::find(out.maps, map_type::arena,
                                         [](const object_map &m) { return m.definition.type; });
    if (arena == out.maps.end()) {
        return bad(fmt::format("section '{}' has variables, but the object declares no arena",
                               printable(s.name)));
    }
    // Pages have at least so many bytes, and the host knows how many.
    constexpr uint64_t most_page_bytes = uint64_t{64} << 10;
    if (s.size > arena->definition.max_entries * most_page_bytes or s.size > largest_value) {
        return make_error(error_code::limit_exceeded,
                          fmt::format("section '{}' of {} bytes exceeds the {} pages of the arena "
                                      "'{}'",
                                      printable(s.name), s.size, arena->definition.max_entries,
                                      arena->definition.name));
    }
    arena->contents.assign(s.bytes.begin(), s.bytes.end());
    arena->contents.resize(s.size);
    out.data_maps[index] = static_cast<uint32_t>(arena - out.maps.begin());
    return {};
}

/// A section's variables are a type.
void set_types(image &out) {
    std::map<std::string_view, uint32_t> sections;
    for (uint32_t id = 1; id < out.types->size(); ++id) {
        const btf_type &t = out.types->type(id);
        if (t.kind == btf_kind::section) sections.try_emplace(t.name, id);
    }
    for (uint32_t i = 1; i < out.data_maps.size(); ++i) {
        const auto type = sections.find(out.elf.sections[i].name);
        if (out.data_maps[i] != no_map and type != sections.end())
            out.maps[out.data_maps[i]].value_type = type->second;
    }
}

/// A map of iproute2's.
struct numbered_map {
    uint32_t map;
    uint32_t id;
    uint32_t inner_id;  ///< 0: there is none
};

std::vector<numbered_map> find_numbered_maps(const image &in) {
    std::vector<numbered_map> all;
    for (uint32_t section = 1; section < in.elf.sections.size(); ++section) {
        const elf_section &s = in.elf.sections[section];
        if (not is_map_section(s.name) or s.name == declared_map_section) continue;
        for (const legacy_place &place : find_legacy_maps(in.elf, section)) {
            const uint32_t map = in.declared_map(section, place.begin);
            if (map == no_map or not is_of_iproute2(in.maps[map].definition, place.size)) continue;
            const auto bytes = s.bytes.subspan(place.begin, place.size);
            const bool is_long = place.size == long_iproute2;
            all.push_back({map, wire::read<uint32_t>(bytes, iproute2_id),
                           is_long ? wire::read<uint32_t>(bytes, iproute2_inner_id) : 0});
        }
    }
    return all;
}

/// "2/7": the program is in slot 7 of the map with number 2.
std::optional<std::pair<uint32_t, uint32_t>> place_of_program(std::string_view section) {
    uint32_t id = 0;
    uint32_t slot = 0;
    const char *const end = section.data() + section.size();
    const auto [slash, no_id] = std::from_chars(section.data(), end, id);
    if (no_id != std::errc{} or slash == end or *slash != '/') return std::nullopt;
    const auto [rest, no_slot] = std::from_chars(slash + 1, end, slot);
    if (no_slot != std::errc{} or rest != end) return std::nullopt;
    return std::pair{id, slot};
}

/// Puts programs into the arrays that their sections name.
void fill_program_arrays(image &out, std::span<const numbered_map> maps) {
    std::map<uint32_t, uint32_t> arrays;
    for (const numbered_map &m : maps) {
        if (out.maps[m.map].definition.type == map_type::prog_array)
            arrays.try_emplace(m.id, m.map);
    }
    if (arrays.empty()) return;
    for (const function_info &f : out.functions) {
        const auto place = f.is_program ? place_of_program(f.section) : std::nullopt;
        const auto at = place ? arrays.find(place->first) : arrays.end();
        if (at == arrays.end()) continue;
        object_map &map = out.maps[at->second];
        if (place->second < map.definition.max_entries)
            map.slots.push_back({place->second, true, f.name});
    }
}

/// What maps of maps hold is like the map with their inner number.
void find_inner_maps(image &out, std::span<const numbered_map> maps) {
    for (const numbered_map &outer : maps) {
        if (not holds_maps(out.maps[outer.map].definition.type) or outer.inner_id == 0) continue;
        const auto inner = std::ranges::find(maps, outer.inner_id, &numbered_map::id);
        if (inner != maps.end() and not holds_maps(out.maps[inner->map].definition.type))
            out.maps[outer.map].inner = out.maps[inner->map].definition;
    }
}

/// And those of the kernel's samples like the one that is so many maps from the first.
void find_counted_inner_maps(image &out) {
    for (uint32_t section = 1; section < out.elf.sections.size(); ++section) {
        const elf_section &s = out.elf.sections[section];
        if (not is_map_section(s.name) or s.name == declared_map_section) continue;
        for (const legacy_place &place : find_legacy_maps(out.elf, section)) {
            const uint32_t map = out.declared_map(section, place.begin);
            if (map == no_map or not is_of_samples(out.maps[map].definition, place.size)) continue;
            const auto inner = wire::read<uint32_t>(s.bytes, place.begin + samples_inner);
            if (inner >= out.maps.size()) continue;
            const map_definition &like = out.maps[inner].definition;
            // What other loaders leave to their hosts has 0 there, and the first map may be any.
            if (not holds_maps(like.type) and like.type != map_type::prog_array)
                out.maps[map].inner = like;
        }
    }
}

/// Sections that code or data refer to.
std::vector<bool> find_referenced(const elf_object &elf) {
    std::vector<bool> referenced(elf.sections.size());
    for (const elf_section &s : elf.sections) {
        if (not s.is_loaded()) continue;
        for (const elf_relocation &r : s.relocations) {
            if (const elf_section *target = elf.section_of(elf.symbols[r.symbol]))
                referenced[elf.index_of(*target)] = true;
        }
    }
    return referenced;
}

}  // namespace

bool is_map_section(std::string_view name) {
    return name == declared_map_section or name == "maps" or name.starts_with("maps/");
}

std::optional<error> read_legacy_maps(image &out, uint32_t section) {
    for (const legacy_place &place : find_legacy_maps(out.elf, section)) {
        auto map = read_legacy_map(out.elf.sections[section], place);
        if (not map) return std::move(map.error());
        out.maps_by_place.try_emplace({section, place.begin},
                                      static_cast<uint32_t>(out.maps.size()));
        out.maps.push_back(std::move(*map));
    }
    return {};
}

std::optional<error> read_data_maps(image &out) {
    const std::vector<bool> referenced = find_referenced(out.elf);
    for (uint32_t i = 1; i < out.elf.sections.size(); ++i) {
        const elf_section &s = out.elf.sections[i];
        if (s.name == arena_section and s.size != 0) {
            if (auto e = add_arena_data(out, i)) return e;
            continue;
        }
        const data_kind *kind = find_data_kind(s.name);
        const bool data = s.is_loaded() and not s.is_executable() and not is_map_section(s.name) and
                          (s.type == SHT_PROGBITS or s.type == SHT_NOBITS);
        const bool table = s.name == jump_table_section;
        // Sections of other names are data if a program says so.
        if (s.size == 0 or not(table or (data and (kind != nullptr or referenced[i])))) continue;
        const bool frozen = table or (kind != nullptr ? kind->frozen : (s.flags & SHF_WRITE) == 0);
        if (auto e =
                add_data_map(out, i, frozen, table ? map_origin::jump_tables : map_origin::data))
            return e;
    }
    if (out.types) set_types(out);
    return {};
}

std::optional<error> read_maps(image &out) {
    out.data_maps.assign(out.elf.sections.size(), no_map);
    for (uint32_t i = 1; i < out.elf.sections.size(); ++i) {
        const elf_section &s = out.elf.sections[i];
        if (not is_map_section(s.name) or s.size == 0) continue;
        if (auto e = s.name == declared_map_section ? read_declared_maps(out, i)
                                                    : read_legacy_maps(out, i))
            return e;
    }
    for (uint32_t i = 0; i < out.maps.size(); ++i)
        out.maps_by_name.try_emplace(out.maps[i].definition.name, i);
    const std::vector<numbered_map> numbered = find_numbered_maps(out);
    fill_program_arrays(out, numbered);
    find_inner_maps(out, numbered);
    find_counted_inner_maps(out);
    return read_data_maps(out);
}

}  // namespace bpftime::vm::object
