// bpftime-vm: generators of fixed eBPF programs of any size, for figures of load and compile time
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bpftime::vm::benchmark {

/// Every generator returns eBPF bytecode (RFC 9669, little endian) of exactly `n` instructions,
/// none of them lddw, that ends in `exit`. The same arguments give the same bytes on every machine,
/// forever. The program
/// - runs with r1 = input memory of at least `generated_input_size` bytes, aligned to 8;
/// - starts from values that it loads from there, so that a compiler cannot fold it away, and lets
///   every register count in r0;
/// - terminates after at most n instructions: jumps go forward, calls form a tree;
/// - returns a value that depends on the input's bytes alone, never on an address;
/// - divides by no zero immediate and shifts by no immediate that is too large.
///
/// All throw std::invalid_argument when `n` is less than `min_generated_instructions`.
inline constexpr std::size_t min_generated_instructions = 100;
inline constexpr std::size_t generated_input_size = 4096;

enum class pattern {
    repeating,  ///< One cycle of eight ALU instructions; the seed chooses the immediates.
    random,     ///< Any ALU instruction of RFC 9669, 32 and 64 bits, immediate and register.
};

/// ALU instructions in one basic block. In `pattern::random` one in 32 is a division or remainder.
[[nodiscard]] std::vector<std::uint8_t> straight_line(std::size_t n, std::uint64_t seed,
                                                      pattern kind);

/// Short blocks of ALU instructions, skipped or chosen by forward jumps on all conditions.
[[nodiscard]] std::vector<std::uint8_t> branchy(std::size_t n, std::uint64_t seed);

/// ALU instructions, loads and stores on the stack and the input memory, at constant and at
/// computed offsets, of all sizes, each naturally aligned. Loads read the lower half of the input
/// and stores go to the upper half, so that running the program again gives the same result.
[[nodiscard]] std::vector<std::uint8_t> with_loads(std::size_t n, std::uint64_t seed);

/// Many small functions, each called once by a local call, at most eight frames deep.
[[nodiscard]] std::vector<std::uint8_t> many_functions(std::size_t n, std::uint64_t seed);

/// The input memory with which the results of the golden table were computed.
[[nodiscard]] std::vector<std::uint8_t> generated_input();

/// All generators by name, for loops over them.
struct generator {
    std::string_view name;
    std::vector<std::uint8_t> (*make)(std::size_t n, std::uint64_t seed);
};
[[nodiscard]] std::span<const generator> generators() noexcept;

/// What a generator must give, and what its program must return.
struct golden_checksum {
    std::string_view generator;
    std::size_t n;
    std::uint64_t seed;
    std::uint64_t bytes;   ///< fnv1a64() of the bytecode.
    std::uint64_t result;  ///< r0 after a run on generated_input().
    std::uint64_t memory;  ///< fnv1a64() of the input memory after that run.
};
[[nodiscard]] std::span<const golden_checksum> golden_checksums() noexcept;

}  // namespace bpftime::vm::benchmark
