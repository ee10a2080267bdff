// bpftime-vm: programs that walk their input record by record, so that no engine can fold operands
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "code_builder.hpp"
#include "engines.hpp"
#include "programs.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::test {

/// Registers that for_each_record() keeps to itself: the record's address, and the end of the
/// memory.
inline constexpr unsigned record_register = 6;
inline constexpr unsigned end_register = 7;

/// A program that runs `body` once for each `words` 64-bit words of its input memory, with r6 at
/// the first of them. The body may use every register but r6 and r7.
[[nodiscard]] std::vector<uint8_t> for_each_record(std::span<const isa::instruction> body,
                                                   unsigned words);

/// Runs `code` on `before` and expects it to end well and to leave `expected` behind; else says
/// where it did not. `what` names the test in messages, `words` is the size of a record.
void expect_records(const engine &e, const std::string &what, std::span<const uint8_t> code,
                    std::span<const uint64_t> before, std::span<const uint64_t> expected,
                    unsigned words, const run_options &options = {});

/// 64-bit values at which arithmetic goes wrong: around 0, around each width's limits, and some
/// without a pattern.
[[nodiscard]] std::span<const uint64_t> edge_values();

/// The same, and each of their lower halves below an upper half that 32-bit operations must not
/// look at.
[[nodiscard]] std::span<const uint64_t> edge_values_with_garbage();

/// 32-bit immediates at which arithmetic goes wrong.
[[nodiscard]] std::span<const int32_t> edge_immediates();

/// The 64-bit words in little-endian `bytes`.
[[nodiscard]] std::vector<uint64_t> words_of(std::span<const uint8_t> bytes);

}  // namespace bpftime::vm::test
