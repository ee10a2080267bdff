// bpftime-vm: the inputs of fuzz_capture: packet captures
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"

#include <cstddef>
#include <cstdint>

namespace bpftime::vm::fuzz {

/// Changes a capture: one of its words, which headers are made of, or any bytes; or makes a new
/// one. Returns the new size.
[[nodiscard]] std::size_t mutate_capture_input(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned seed);

}  // namespace bpftime::vm::fuzz
