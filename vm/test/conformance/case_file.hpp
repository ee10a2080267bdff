// bpftime-vm: conformance cases: text files with asm, raw, mem, result, error and fault sections
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "engines.hpp"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bpftime::vm::test {

/// One case; README.md beside this file describes the format.
struct case_file {
    std::string name;  ///< file name without its extension
    std::string assembly;
    std::optional<std::vector<uint8_t>>
        raw;  ///< the program; with assembly: what that must assemble to
    std::vector<uint8_t> memory;
    std::optional<std::vector<uint8_t>> memory_after;
    std::optional<uint64_t> limit;
    // What must happen; exactly one of these is set.
    std::optional<uint64_t> result;
    std::optional<std::string>
        error;  ///< part of the message with which assembling or loading fails
    std::optional<std::string> fault;  ///< fault kind, and "pc N" if that counts too
};

/// Reads a case; what is wrong with the file otherwise.
[[nodiscard]] std::expected<case_file, std::string> read_case(const std::filesystem::path &file);

/// The bytecode of the case, or the assembler's message.
[[nodiscard]] std::expected<std::vector<uint8_t>, std::string> code_of(const case_file &c);

/// Runs the case; empty if everything was as it must be, else what was not.
[[nodiscard]] std::string check_case(const case_file &c, const engine &e);

/// All cases in `folder` and below, sorted by path.
[[nodiscard]] std::vector<std::filesystem::path> find_cases(const std::filesystem::path &folder);

}  // namespace bpftime::vm::test
