// bpftime-vm: random instructions for property tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/isa.hpp"

#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bpftime::vm::isa::test {

/// An instruction and, for lddw, the immediate of its second slot.
struct random_insn {
    instruction insn;
    int32_t next_imm = 0;
};

/// Any instruction that decode() accepts: fields that its row uses are arbitrary, the others zero.
[[nodiscard]] rc::Gen<random_insn> valid_insn();

/// The bytes of some valid instructions, one after the other; at least one.
[[nodiscard]] rc::Gen<std::vector<uint8_t>> valid_code();

/// Whole slots, most of them valid instructions, some with a byte changed, some all random; perhaps
/// cut short.
[[nodiscard]] rc::Gen<std::vector<uint8_t>> dubious_code();

/// Text that an assembler might be given by mistake: from noise to almost correct.
[[nodiscard]] rc::Gen<std::string> dubious_text();

}  // namespace bpftime::vm::isa::test
