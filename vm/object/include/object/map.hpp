// bpftime-vm: the maps that an object declares, and the data that it keeps in maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/map.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bpftime::vm::object {

/// What in an object makes a map.
enum class map_origin : uint8_t {
    declared,     ///< a variable in section .maps, described by BTF
    legacy,       ///< a variable in section maps, a struct of words
    data,         ///< a section of variables: one element that is the section
    config,       ///< the external variables of section .kconfig: one element
    jump_tables,  ///< section .jumptables: one element that is the section
};

/// What the object puts into a slot of an array of maps or of programs.
struct map_slot {
    uint32_t index = 0;
    bool is_program = false;
    std::string name;  ///< of the map or of the program
};

/// A map as the object declares it; linked code names it by its index in object_file::maps().
struct object_map {
    map_definition definition;
    std::optional<map_definition> inner;  ///< what the maps in this one are like
    map_origin origin = map_origin::declared;
    std::string section;
    uint64_t offset = 0;  ///< bytes from the start of the section
    /// The first element, or what an arena begins with, before the first run; empty: zeros.
    /// Pointers in it are bytecode::pointers.
    std::vector<uint8_t> contents;
    bool frozen = false;    ///< nobody writes it after its contents were set
    bool pinned = false;    ///< meant to be shared, by its name
    uint32_t key_type = 0;  ///< BTF type ids; 0: not known
    uint32_t value_type = 0;
    std::vector<map_slot> slots;
};

/// A variable of the object, for hosts that set parameters or read results.
struct global_variable {
    uint32_t map = 0;  ///< index in object_file::maps()
    uint32_t offset = 0;
    uint32_t size = 0;
    uint32_t type = 0;  ///< BTF type id; 0: not known
};

}  // namespace bpftime::vm::object
