// bpftime-vm: what the tests of programs share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/program.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::test {

/// The bytes of `insns`; lddw takes two elements, the second with id none.
[[nodiscard]] std::vector<uint8_t> bytes_of(std::span<const isa::instruction> insns);

/// Assembles and loads. Throws std::runtime_error if `assembly` is no assembly text.
[[nodiscard]] result<program> load_text(std::string_view assembly,
                                        const program_options &options = {});

/// The same for programs that are valid: throws std::runtime_error with the message if it is not.
[[nodiscard]] program load_valid(std::string_view assembly, const program_options &options = {});

/// "code: message" of a failed result, "no error" of another one.
[[nodiscard]] std::string error_of(const result<program> &r);

/// Functions and blocks as text, one line each:
///   0-5 weight 4 calls 1 2      slots 0 to 4, and the functions that it refers to
///     0-2 -> 1 3                a block, and the blocks that may come after it
/// What the entry cannot reach has "dead" at the end.
[[nodiscard]] std::string draw(const program &p);

}  // namespace bpftime::vm::test
