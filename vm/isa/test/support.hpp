// bpftime-vm: what the tests of the instruction set share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "isa/isa.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::isa::test {

/// The bytes of `slots`, one after the other.
[[nodiscard]] std::vector<uint8_t> bytes_of(std::span<const slot> slots);

/// The bytes of one instruction: two slots for lddw, the second with `next_imm`.
[[nodiscard]] std::vector<uint8_t> bytes_of(const instruction &insn, int32_t next_imm = 0);

/// "07 01 00 ..." to bytes. Throws std::runtime_error if it is anything else.
[[nodiscard]] std::vector<uint8_t> from_hex(std::string_view hex);

/// Bytes as "07 01 00 ...".
[[nodiscard]] std::string to_hex(std::span<const uint8_t> bytes);

/// All rows of the table.
[[nodiscard]] std::vector<insn_id> all_rows();

/// "code: message" of a failed result, "no error" of another one.
template <typename T>
[[nodiscard]] std::string error_of(const result<T> &r) {
    return r ? "no error" : std::string{name_of(r.error().code)} + ": " + r.error().message;
}

}  // namespace bpftime::vm::isa::test
