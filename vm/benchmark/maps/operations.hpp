// bpftime-vm: the operations on maps that the benchmark measures
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::benchmark {

/// How many times a round does the operation, each time with another key.
inline constexpr uint32_t operations_of_round = 1000;

/// Key and value of one operation.
struct arguments {
    alignas(8) std::array<uint8_t, 24> key{};
    uint64_t value = 0;
};

struct operation {
    /// How many keys there are, if there are not more entries; a power of 2.
    static constexpr uint32_t few_keys = 512;

    std::string name;
    map_definition map;
    /// Entries that are there before.
    uint32_t entries;
    /// Writes key `i`.
    void (*write_key)(arguments &a, uint32_t i);
    /// Writes the key of entry `i`, if that is another one: a prefix of the address that is key
    /// `i`.
    void (*write_entry)(arguments &a, uint32_t i) = nullptr;
    /// Performs the operation operations_of_round times: on so many keys, those from number `from`
    /// on, far from each other.
    void (*round)(runtime::map &m, uint32_t from, uint32_t keys);
    /// The same in C++ with the map's lookup written out in the loop: what it read, added up. Null:
    /// there is none.
    uint64_t (*native)(const runtime::map &m, uint32_t from, uint32_t keys) = nullptr;
    /// The same for programs: the key's number is in r1, r10-16 is the key's place, r10-24 a
    /// value's, "MAP" stands for the map. Changes r0 to r5, and adds what it reads to r8. Empty: no
    /// program does it.
    std::string store_key_text{};
    std::string text{};

    [[nodiscard]] uint32_t keys() const noexcept { return std::max(entries, few_keys); }
};

[[nodiscard]] std::span<const operation> operations();

/// A program that performs the operation operations_of_round times; `map` is the number by which
/// it names its map, in the kernel a file descriptor.
[[nodiscard]] std::vector<uint8_t> program_of(const operation &o, int map);

}  // namespace bpftime::vm::benchmark
