// bpftime-vm: the inputs of fuzz_object: ELF objects
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"

#include <cstddef>
#include <cstdint>

namespace bpftime::vm::fuzz {

/// Changes an object: a field of one of its headers, symbols or relocations, an instruction of its
/// code, or any bytes. Returns the new size.
[[nodiscard]] std::size_t mutate_object_input(uint8_t *data, std::size_t size, std::size_t max_size,
                                              unsigned seed);

}  // namespace bpftime::vm::fuzz
