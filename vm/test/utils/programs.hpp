// bpftime-vm: running a program given as text, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/fault.hpp"
#include "engines.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::test {

/// The bytecode of `assembly`; the test fails if it is not assembly text.
[[nodiscard]] std::vector<uint8_t> assemble(std::string_view assembly);

/// What became of one program.
struct outcome {
    /// Why it did not load, link or run; empty if it ran to its end.
    std::string error;
    int64_t code = 0;  ///< 0 or a negative enum ebpf_error
    uint64_t r0 = 0;
    compat::fault fault;
    std::vector<uint8_t> memory;  ///< the input memory after the run
};

/// What a run gets besides its program.
struct run_options {
    std::optional<uint64_t> instruction_limit = std::nullopt;
    bool bounds_checks = true;
};

/// Helpers that every test program may call:
/// 1: r1 + 2 r2 + 3 r3 + 4 r4 + 5 r5; 2: r1; 3: 0; 5: r1, registered as the unwind-on-success
/// function.
void register_test_helpers(ebpf_vm &vm);

/// Loads and runs `code` on a new VM, with the test helpers. `memory` is copied into a heap block
/// of exactly its size.
[[nodiscard]] outcome run(const engine &e, std::span<const uint8_t> code,
                          std::span<const uint8_t> memory = {}, const run_options &options = {});
[[nodiscard]] outcome run(const engine &e, std::string_view assembly,
                          std::span<const uint8_t> memory = {}, const run_options &options = {});

/// The bytes of `words`, little-endian, one after the other.
[[nodiscard]] std::vector<uint8_t> bytes_of(std::span<const uint64_t> words);

}  // namespace bpftime::vm::test
