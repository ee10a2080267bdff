// bpftime-vm: the inputs of fuzz_load: settings, then bytecode
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "playground.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace bpftime::vm::fuzz {

/// An input in its parts. Its first `settings_size` bytes are the settings (zeros: the defaults),
/// the rest is code.
struct load_input {
    static constexpr std::size_t settings_size = 16;

    explicit load_input(std::span<const uint8_t> bytes);

    settings how;
    std::span<const uint8_t> code;
};

/// Changes an input: mostly its program, statement by statement, now and then as bytes, now and
/// then for a new program. Returns the new size.
[[nodiscard]] std::size_t mutate_load_input(uint8_t *data, std::size_t size, std::size_t max_size,
                                            unsigned seed);

}  // namespace bpftime::vm::fuzz
