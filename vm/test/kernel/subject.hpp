// bpftime-vm: a program of an object, with all that belongs to it on either side
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/object.hpp"
#include "packets.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::differential {

/// A program that is compared; the object outlives it.
struct subject {
    const bytes *image = nullptr;
    const object::object_file *file = nullptr;
    const object::function_info *program = nullptr;
    object::program_type type = object::program_type::generic;
    object::attach_type attach = object::attach_type::none;
    /// The types that both sides link it to.
    const object::btf *target = nullptr;
    /// The program first, then those that the object puts into the program arrays that it reaches,
    /// and so on.
    std::vector<const object::function_info *> programs;
    /// What the maps that one of them reaches are made as, by index in object_file::maps().
    std::map<uint32_t, map_definition> maps;
};

/// The program as it is told apart from others: kernel functions that ours has are called by a
/// number of their names.
[[nodiscard]] result<object::bytecode> link(const object::object_file &file,
                                            const object::function_info &program,
                                            const object::btf *target);

/// Errors are those of linking.
[[nodiscard]] result<subject> make_subject(const bytes &image, const object::object_file &file,
                                           const object::function_info &program,
                                           const object::btf *target);
/// Of a program that does not link here: with all maps of its object, for others to load it.
[[nodiscard]] subject make_unlinked_subject(const bytes &image, const object::object_file &file,
                                            const object::function_info &program,
                                            const object::btf *target);

/// The types that are tried for a program whose section does not say: most likely first.
[[nodiscard]] std::vector<object::program_type> likely_types(const object::function_info &program);

/// Programs of the type run on packets, here and by BPF_PROG_TEST_RUN.
[[nodiscard]] bool runs_on_packets(object::program_type type) noexcept;
/// What is not is given what follows the Ethernet header.
[[nodiscard]] bool sees_ethernet(object::program_type type) noexcept;

/// Helpers that the code calls, by id.
[[nodiscard]] std::set<int32_t> called_helpers(std::span<const uint8_t> code);
/// A number that tells programs apart: of the code and the type.
[[nodiscard]] uint64_t identity_of(std::span<const uint8_t> code, object::program_type type);

/// Does what loaders do: gives a size to a map whose object leaves that to them, and 4 bytes to the
/// values of perf event arrays. Gives less memory to maps that are large for the sake of traffic.
void adjust(map_definition &definition);
/// Whether the map holds variables or configuration of the object, and is not to be filled.
[[nodiscard]] bool is_internal(const object::object_map &map) noexcept;

}  // namespace bpftime::vm::differential
