// bpftime-vm: everything that was read from an object
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "btf_ext.hpp"
#include "elf_reader.hpp"
#include "object/object.hpp"

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <utility>

namespace bpftime::vm::object {

inline constexpr uint32_t no_map = std::numeric_limits<uint32_t>::max();

enum class external_kind : uint8_t {
    unknown,   ///< BTF does not say what it is
    config,    ///< a variable in the map of section .kconfig
    variable,  ///< of the kernel
    function,  ///< of the kernel
};

/// An undefined symbol.
struct external {
    external_kind kind = external_kind::unknown;
    bool weak = false;
    bool resolved = false;  ///< config: it has a value
    uint32_t offset = 0;    ///< config: in its map
    uint32_t type = 0;      ///< config: BTF type of its value
};

struct image {
    elf_object elf;
    std::shared_ptr<const btf> types;  ///< null: it was compiled without
    btf_ext debug;
    std::vector<section_info> sections;
    std::vector<function_info> functions;  ///< in the order of sections and offsets
    std::vector<object_map> maps;
    std::vector<uint32_t> data_maps;         ///< per section: the map that is its data, or no_map
    std::map<uint32_t, external> externals;  ///< by index of the symbol
    uint32_t config_map = no_map;

    /// What declared_map() and find_map() look in.
    std::map<std::pair<uint32_t, uint64_t>, uint32_t> maps_by_place;
    std::map<std::string, uint32_t, std::less<>> maps_by_name;

    /// The map declared at `offset` of section `section`; no_map if there is none.
    [[nodiscard]] uint32_t declared_map(uint32_t section, uint64_t offset) const;
    [[nodiscard]] std::optional<uint32_t> find_map(std::string_view name) const;
    /// The function that begins at `offset` of section `section`; nothing if there is none.
    [[nodiscard]] std::optional<std::size_t> function_at(uint32_t section, uint64_t offset) const;
};

/// Bytes of the variables that a map holds.
[[nodiscard]] inline uint64_t data_size(const object_map &map) {
    return map.definition.type == map_type::arena ? map.contents.size() : map.definition.value_size;
}

/// What is called `maps` in some form: its variables are maps.
[[nodiscard]] bool is_map_section(std::string_view name);

}  // namespace bpftime::vm::object
