// bpftime-vm: the inputs of fuzz_map_file: what a map is, then what is done with it and its file
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "program/map.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bpftime::vm::fuzz {

/// Something that is done with a map, or with its file by somebody else.
struct map_step {
    enum class what : uint8_t {
        lookup,
        update,
        remove,
        walk,
        batch,
        queue,
        records,
        reopen,
        damage,  ///< writes `number` to word `place` of the file
    };
    static constexpr uint8_t count = static_cast<uint8_t>(what::damage) + 1;
    static constexpr std::size_t bytes = 8;

    what kind;
    uint8_t shift;  ///< of `number`, by so many bits
    uint16_t place;
    uint32_t number;
};

struct map_file_input {
    map_definition map;
    std::vector<map_step> steps;
};

/// Any bytes are an input.
[[nodiscard]] map_file_input parse_map_file_input(std::span<const uint8_t> bytes);

/// Adds, changes, repeats or takes away a step, or changes any bytes. Returns the new size.
[[nodiscard]] std::size_t mutate_map_file_input(uint8_t *data, std::size_t size,
                                                std::size_t max_size, unsigned seed);

}  // namespace bpftime::vm::fuzz
