// bpftime-vm: several objects as one, as a static linker makes it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "combine.hpp"

#include "btf_combine.hpp"
#include "maps.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace bpftime::vm::object {

namespace {

using maybe_error = std::optional<error>;

constexpr uint64_t largest_section = INT32_MAX;
constexpr uint64_t widest_alignment = 4096;
/// Bytes that no file holds: small objects must not become large.
constexpr uint64_t most_zeros = uint64_t{1} << 26;

/// Of these one is enough, and all should be equal.
bool is_single(std::string_view name) { return name == "license" or name == "version"; }

bool same_definition(const map_definition &a, const map_definition &b) {
    const auto all = [](const map_definition &m) {
        return std::tie(m.type, m.key_size, m.value_size, m.max_entries, m.flags, m.map_extra,
                        m.numa_node);
    };
    return all(a) == all(b);
}

bool same_map(const object_map &a, const object_map &b) {
    return same_definition(a.definition, b.definition) and a.pinned == b.pinned and
           a.inner.has_value() == b.inner.has_value() and
           (not a.inner or same_definition(*a.inner, *b.inner));
}

class combiner {
public:
    explicit combiner(std::span<const image *const> objects) : objects_{objects} {}

    result<image> combine() && {
        out_.elf.sections.resize(1);
        out_.elf.symbols.resize(1);
        contents_.resize(1);
        places_.resize(objects_.size());
        by_name_.resize(objects_.size());
        replaced_.resize(objects_.size());
        symbols_.resize(objects_.size());
        for (std::size_t i = 0; i < objects_.size(); ++i) {
            if (auto e = add_sections(i)) return std::unexpected{std::move(*e)};
        }
        for (std::size_t i = 0; i < objects_.size(); ++i) {
            if (auto e = add_symbols(i)) return std::unexpected{std::move(*e)};
        }
        for (std::size_t i = 0; i < objects_.size(); ++i) add_relocations(i);
        combine_types();
        keep_bytes();
        return std::move(out_);
    }

private:
    /// Where a section of an object lies in a section of the whole; section 0: nowhere.
    struct section_place {
        uint32_t section = 0;
        uint64_t base = 0;
    };

    struct definition {
        std::size_t object;
        uint32_t symbol;  ///< in that object
        uint32_t index;   ///< in the whole
    };

    // --- sections

    static bool is_kept(const elf_section &s) {
        const bool code_or_data = s.type == SHT_PROGBITS or s.type == SHT_NOBITS;
        return code_or_data and s.size <= largest_section and
               (s.is_loaded() or s.name == jump_table_section);
    }

    /// Values that were set count: they are in the maps, not in the file.
    static std::span<const uint8_t> bytes_of(const image &object, uint32_t index) {
        const uint32_t map = object.data_maps[index];
        if (map != no_map and not object.maps[map].contents.empty())
            return object.maps[map].contents;
        return object.elf.sections[index].bytes;
    }

    uint32_t find_section(const elf_section &like) {
        const auto [entry, is_new] =
            by_use_.try_emplace({like.name, (like.flags & SHF_EXECINSTR) != 0},
                                static_cast<uint32_t>(out_.elf.sections.size()));
        if (not is_new) return entry->second;
        elf_section added = like;
        added.size = 0;
        added.type = SHT_NOBITS;
        added.bytes = {};
        added.relocations.clear();
        out_.elf.sections.push_back(std::move(added));
        contents_.emplace_back();
        return entry->second;
    }

    maybe_error add_sections(std::size_t which) {
        const image &object = *objects_[which];
        places_[which].resize(object.elf.sections.size());
        for (uint32_t i = 1; i < object.elf.sections.size(); ++i) {
            const elf_section &s = object.elf.sections[i];
            if (not is_kept(s)) continue;
            if (auto e = append(s, bytes_of(object, i), places_[which][i])) return e;
            by_name_[which].try_emplace(s.name, i);
        }
        return {};
    }

    maybe_error append(const elf_section &s, std::span<const uint8_t> bytes, section_place &place) {
        place.section = find_section(s);
        elf_section &whole = out_.elf.sections[place.section];
        std::vector<uint8_t> &contents = contents_[place.section];
        if (is_single(s.name) and whole.size != 0) {
            if (std::ranges::equal(bytes, contents)) return {};
            return make_error(
                error_code::invalid_argument,
                fmt::format("the objects have different sections '{}'", printable(s.name)));
        }
        const uint64_t alignment =
            std::bit_ceil(std::clamp<uint64_t>(s.alignment, 1, widest_alignment));
        place.base = (whole.size + alignment - 1) / alignment * alignment;
        whole.size = place.base + s.size;
        if (whole.size > largest_section) {
            return make_error(error_code::limit_exceeded,
                              fmt::format("the sections '{}' of the objects exceed {} bytes",
                                          printable(s.name), largest_section));
        }
        const bool filled = whole.type == SHT_PROGBITS or not bytes.empty();
        if (filled) zeros_ += whole.size - contents.size() - bytes.size();
        if (zeros_ > most_zeros) {
            return make_error(
                error_code::limit_exceeded,
                fmt::format("section '{}' has contents in one object and none in another, and "
                            "would need more than {} zero bytes",
                            printable(s.name), most_zeros));
        }
        if (not bytes.empty()) {
            whole.type = SHT_PROGBITS;
            contents.resize(place.base);
            contents.insert(contents.end(), bytes.begin(), bytes.end());
        }
        if (whole.type == SHT_PROGBITS) contents.resize(whole.size);
        return {};
    }

    // --- symbols

    maybe_error add_symbols(std::size_t which) {
        const image &object = *objects_[which];
        symbols_[which].resize(object.elf.symbols.size());
        for (uint32_t i = 1; i < object.elf.symbols.size(); ++i) {
            const elf_symbol &s = object.elf.symbols[i];
            const bool local = s.binding == STB_LOCAL or s.name.empty();
            if (local)
                symbols_[which][i] = add_symbol(which, s);
            else if (auto e = add_global(which, i, s))
                return e;
        }
        return {};
    }

    elf_symbol moved(std::size_t which, const elf_symbol &s) const {
        elf_symbol to = s;
        if (objects_[which]->elf.section_of(s) == nullptr) return to;
        const section_place &place = places_[which][s.section];
        to.section = place.section == 0 ? uint32_t{SHN_ABS} : place.section;
        // A symbol of a section stands for the beginning of this object's part of it.
        to.value = s.value + place.base;
        return to;
    }

    uint32_t add_symbol(std::size_t which, const elf_symbol &s) {
        out_.elf.symbols.push_back(moved(which, s));
        return static_cast<uint32_t>(out_.elf.symbols.size() - 1);
    }

    maybe_error add_global(std::size_t which, uint32_t index, const elf_symbol &s) {
        const auto [entry, added] = globals_.try_emplace(s.name, definition{which, index, 0});
        definition &first = entry->second;
        if (added) {
            first.index = add_symbol(which, s);
            symbols_[which][index] = first.index;
            return {};
        }
        symbols_[which][index] = first.index;
        elf_symbol &known = out_.elf.symbols[first.index];
        const bool defined = s.section != SHN_UNDEF;
        if (known.section == SHN_UNDEF or
            (defined and known.binding == STB_WEAK and s.binding != STB_WEAK)) {
            if (not defined) {
                if (s.binding != STB_WEAK) known.binding = s.binding;
                return {};
            }
            const elf_symbol &loser = objects_[first.object]->elf.symbols[first.symbol];
            replaced_[first.object].insert({loser.section, loser.value});
            known = moved(which, s);
            first = {which, index, first.index};
            return {};
        }
        if (not defined) return {};
        replaced_[which].insert({s.section, s.value});
        if (s.binding == STB_WEAK) return {};
        const elf_section *section = objects_[which]->elf.section_of(s);
        if (section != nullptr and is_single(section->name)) return {};
        return check_same_map(first, which, s);
    }

    /// Two definitions are one only if they are maps of one kind.
    maybe_error check_same_map(const definition &first, std::size_t which,
                               const elf_symbol &s) const {
        const object_map *a =
            map_of(first.object, objects_[first.object]->elf.symbols[first.symbol]);
        const object_map *b = map_of(which, s);
        if (a != nullptr and b != nullptr and same_map(*a, *b)) return {};
        return make_error(
            error_code::invalid_argument,
            a != nullptr and b != nullptr
                ? fmt::format("objects {} and {} define the map '{}' differently", first.object,
                              which, printable(s.name))
                : fmt::format("objects {} and {} both define '{}': make one of them static or "
                              "__weak",
                              first.object, which, printable(s.name)));
    }

    const object_map *map_of(std::size_t which, const elf_symbol &s) const {
        const image &object = *objects_[which];
        if (object.elf.section_of(s) == nullptr) return nullptr;
        const uint32_t map = object.declared_map(s.section, s.value);
        return map == no_map ? nullptr : &object.maps[map];
    }

    // --- relocations

    void add_relocations(std::size_t which) {
        const image &object = *objects_[which];
        for (uint32_t i = 1; i < object.elf.sections.size(); ++i) {
            const section_place &place = places_[which][i];
            if (place.section == 0) continue;
            elf_section &whole = out_.elf.sections[place.section];
            for (elf_relocation r : object.elf.sections[i].relocations) {
                r.offset += place.base;
                r.symbol = symbols_[which][r.symbol];
                whole.relocations.push_back(r);
            }
        }
    }

    // --- types

    void combine_types() {
        std::vector<const btf *> all;
        for (const image *object : objects_) {
            if (object->types != nullptr) all.push_back(object->types.get());
        }
        if (all.empty()) return;
        btf_combiner types{all};
        for (std::size_t i = 0; i < objects_.size(); ++i) {
            if (objects_[i]->types == nullptr) continue;
            const auto place = [&](std::string_view section, uint64_t offset,
                                   std::string_view name) {
                return place_of(i, section, offset, name);
            };
            types.add(*objects_[i]->types, place);
            types.add(objects_[i]->debug, *objects_[i]->types, place);
        }
        out_.debug = types.take_debug();
        out_.types = std::make_shared<const btf>(std::move(types).take_types());
    }

    /// See btf_combiner::relocate. Variables that another object's definition replaced are left
    /// out.
    std::optional<uint64_t> place_of(std::size_t which, std::string_view section, uint64_t offset,
                                     std::string_view name) const {
        // External variables have no section in the file.
        const auto found = by_name_[which].find(section);
        if (found == by_name_[which].end())
            return section == declared_map_section ? std::nullopt : std::optional{offset};
        const bool replaced =
            not name.empty() and replaced_[which].contains({found->second, offset});
        if (replaced) return {};
        return offset + places_[which][found->second].base;
    }

    // --- bytes

    /// Moves names and contents into the object itself.
    void keep_bytes() {
        std::size_t size = 0;
        for (const elf_symbol &s : out_.elf.symbols) size += s.name.size();
        for (const elf_section &s : out_.elf.sections) size += s.name.size();
        for (const auto &bytes : contents_) size += bytes.size();
        std::vector<uint8_t> &all = out_.elf.bytes;
        all.reserve(size);
        const auto keep = [&](auto bytes) {
            const std::size_t at = all.size();
            all.insert(all.end(), bytes.begin(), bytes.end());
            return std::span{all}.subspan(at);
        };
        const auto keep_name = [&](std::string_view &name) {
            const auto kept = keep(name);
            name = {reinterpret_cast<const char *>(kept.data()), kept.size()};
        };
        for (elf_symbol &s : out_.elf.symbols) keep_name(s.name);
        for (std::size_t i = 1; i < out_.elf.sections.size(); ++i) {
            elf_section &s = out_.elf.sections[i];
            keep_name(s.name);
            s.bytes = keep(std::span{contents_[i]});
        }
    }

    std::span<const image *const> objects_;
    image out_;
    std::vector<std::vector<uint8_t>> contents_;      ///< of the sections of the whole
    std::vector<std::vector<section_place>> places_;  ///< by object and section
    std::vector<std::vector<uint32_t>> symbols_;      ///< in the whole, by object and symbol
    std::map<std::pair<std::string_view, bool>, uint32_t> by_use_;   ///< sections of the whole
    std::vector<std::map<std::string_view, uint32_t>> by_name_;      ///< sections of each object
    std::vector<std::set<std::pair<uint32_t, uint64_t>>> replaced_;  ///< places in each object
    uint64_t zeros_ = 0;
    std::map<std::string_view, definition> globals_;
};

}  // namespace

result<image> combine_images(std::span<const image *const> objects) {
    return combiner{objects}.combine();
}

}  // namespace bpftime::vm::object
