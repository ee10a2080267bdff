// bpftime-vm: variables of an object by name
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "image.hpp"

namespace bpftime::vm::object {

/// See object_file::global().
[[nodiscard]] result<global_variable> find_global(const image &object, std::string_view name);
/// See object_file::variables().
[[nodiscard]] std::vector<std::string> list_globals(const image &object);
/// See object_file::value_of() and object_file::set().
[[nodiscard]] result<std::vector<uint8_t>> read_global(const image &object, std::string_view name);
[[nodiscard]] result<void> write_global(image &object, std::string_view name,
                                        std::span<const uint8_t> bytes);
[[nodiscard]] result<void> write_global(image &object, std::string_view name, int64_t number);

}  // namespace bpftime::vm::object
