// bpftime-vm: the inputs of fuzz_engines: how hard to optimise, then an input of fuzz_load
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "engines_set.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace bpftime::vm::fuzz {

/// An input in its parts.
struct engines_input {
    explicit engines_input(std::span<const uint8_t> bytes);

    engine_settings how;
    std::span<const uint8_t> code;
};

/// Changes an input as fuzz_load's are changed, and now and then its level. Returns the new size.
[[nodiscard]] std::size_t mutate_engines_input(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned seed);

}  // namespace bpftime::vm::fuzz
