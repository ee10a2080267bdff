// bpftime-vm: the inputs of fuzz_text: assembly text, or bytecode
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "isa/error.hpp"

#include <cstddef>
#include <cstdint>

namespace bpftime::vm::fuzz {

/// Whether the assembler accepts, on purpose, text whose bytes the disassembler refuses so.
[[nodiscard]] bool is_expressible(error_code code) noexcept;

/// Changes an input: its lines, its characters, or all of it for a program in text or bytes.
/// Returns the new size.
[[nodiscard]] std::size_t mutate_text_input(uint8_t *data, std::size_t size, std::size_t max_size,
                                            unsigned seed);

}  // namespace bpftime::vm::fuzz
