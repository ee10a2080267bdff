// bpftime-vm: from bytes to instructions, checking every field of every slot
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "isa/isa.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace bpftime::vm::isa {

/// Decodes slot `index` of `code` and checks what can be seen in the instruction alone: known
/// opcode, reserved fields zero, registers that exist, no write to r10, both slots of lddw. The
/// caller guarantees index < code.size() / 8.
[[nodiscard]] result<instruction> decode(std::span<const uint8_t> code, std::size_t index);

/// Decodes all of `code`; element i is slot i, second slots of lddw have id none and carry their
/// immediate. Errors: those of decode(), empty_program, bad_length.
[[nodiscard]] result<std::vector<instruction>> decode_all(std::span<const uint8_t> code);

}  // namespace bpftime::vm::isa
