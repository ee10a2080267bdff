// bpftime-vm: finds the maps of an object
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "image.hpp"

namespace bpftime::vm::object {

inline constexpr std::string_view declared_map_section = ".maps";
inline constexpr std::string_view config_section = ".kconfig";

/// Fills in the maps of `out`, whose sections, symbols and types were read: those that it declares,
/// then its sections of data.
[[nodiscard]] std::optional<error> read_maps(image &out);

/// The maps of section `section`, which is called .maps.
[[nodiscard]] std::optional<error> read_declared_maps(image &out, uint32_t section);
/// The maps of section `section`, which is called maps or maps/NAME: structs of 32-bit words.
[[nodiscard]] std::optional<error> read_legacy_maps(image &out, uint32_t section);
/// Sections of variables, and of jump tables.
[[nodiscard]] std::optional<error> read_data_maps(image &out);

/// What the undefined symbols of `out` are, and the map that external variables of section .kconfig
/// lie in, with the values that are known without the host.
[[nodiscard]] std::optional<error> read_externals(image &out);
/// See object_file::configure().
[[nodiscard]] std::optional<error> configure(image &out, std::string_view name,
                                             std::string_view value);

}  // namespace bpftime::vm::object
