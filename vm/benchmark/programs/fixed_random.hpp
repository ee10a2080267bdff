// bpftime-vm: a random number generator that gives the same numbers on every machine, forever
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace bpftime::vm::benchmark {

/// SplitMix64. Benchmark inputs and generated programs are made from it and must never change.
class fixed_random {
public:
    explicit constexpr fixed_random(std::uint64_t seed) noexcept : state_(seed) {}

    constexpr std::uint64_t next() noexcept {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }

    /// A number below `limit`, which is not zero. Slightly biased, which does not matter here.
    constexpr std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }

    constexpr std::uint8_t byte() noexcept { return static_cast<std::uint8_t>(next() >> 56); }

private:
    std::uint64_t state_;
};

}  // namespace bpftime::vm::benchmark
