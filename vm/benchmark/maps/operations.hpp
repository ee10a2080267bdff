// bpftime-vm: the operations on maps that the benchmark measures
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::benchmark {

/// How many times a round does the operation, with keys from 0 on, wrapping around at key_count.
inline constexpr uint32_t operations_of_round = 1000;
inline constexpr uint32_t key_count = 512;

/// Key and value of one operation.
struct arguments {
    alignas(8) std::array<uint8_t, 16> key{};
    uint64_t value = 0;
};

struct operation {
    std::string name;
    map_definition map;
    /// Entries that are there before.
    uint32_t entries;
    /// Writes key `i`.
    void (*write_key)(arguments &a, uint32_t i);
    /// Performs the operation operations_of_round times.
    void (*round)(runtime::map &m);
    /// The same for programs: the key's number is in r6, r10-16 is the key's place, r10-24 a
    /// value's, "MAP" stands for the map. Changes r0 to r5.
    std::string key_text;
    std::string text;
};

[[nodiscard]] std::span<const operation> operations();

/// A program that performs the operation operations_of_round times; `map` is the number by which
/// it names its map, in the kernel a file descriptor.
[[nodiscard]] std::vector<uint8_t> program_of(const operation &o, int map);

}  // namespace bpftime::vm::benchmark
