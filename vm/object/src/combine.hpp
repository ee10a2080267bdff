// bpftime-vm: several objects as one, as a static linker makes it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "image.hpp"

namespace bpftime::vm::object {

/// Sections, symbols, types and debug information of `objects` in one; functions and maps are yet
/// to be read. See object_file::combine().
[[nodiscard]] result<image> combine_images(std::span<const image *const> objects);

}  // namespace bpftime::vm::object
