// bpftime-vm: the fixed input and the expected answer of every benchmark program
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bpftime::vm::benchmark {

/// One program's fixed input and what the program makes of it. None of this ever changes, so that
/// figures taken years apart are figures of the same work.
struct program_input {
    /// The program: `NAME.bpf.c`, entry function `NAME`.
    std::string_view name;
    /// Bytes of input memory, a multiple of 8 and at most 64 KiB: the program's `len`.
    std::size_t size;
    /// Fills the whole memory; `seed` is the hash of the name.
    void (*fill)(std::span<std::uint8_t> memory, std::uint64_t seed);
    /// The program writes to its memory. It gives the same result and leaves the same bytes when it
    /// runs again on the memory that it left, so the input need not be made anew for each call.
    bool mutates;
    /// r0 after the run.
    std::uint64_t result;
    /// fnv1a64() of the memory after the run.
    std::uint64_t memory_hash;
};

/// All programs, in the order in which they are reported.
[[nodiscard]] std::span<const program_input> program_inputs() noexcept;

/// The row of the program `name`, or nullptr when there is none.
[[nodiscard]] const program_input *find_program_input(std::string_view name) noexcept;

/// A fresh copy of the input memory of the program `name`; empty when there is none. Programs
/// require memory that is aligned to 8 bytes, and the vector's is.
[[nodiscard]] std::vector<std::uint8_t> make_input(std::string_view name);

/// FNV-1a of 64 bits, the hash of `memory_hash` and of the generators' golden table.
[[nodiscard]] constexpr std::uint64_t fnv1a64(std::span<const std::uint8_t> bytes) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const std::uint8_t byte : bytes) {
        hash = (hash ^ byte) * 0x100000001b3U;
    }
    return hash;
}

}  // namespace bpftime::vm::benchmark
