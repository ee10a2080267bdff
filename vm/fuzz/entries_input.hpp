// bpftime-vm: the inputs of fuzz_entries: what users write of variables and maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"

#include <cstddef>
#include <cstdint>

namespace bpftime::vm::fuzz {

/// Puts a word that means something into the text, takes a piece out, or changes any bytes. Returns
/// the new size.
[[nodiscard]] std::size_t mutate_entries_input(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned seed);

}  // namespace bpftime::vm::fuzz
