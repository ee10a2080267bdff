// bpftime-vm: numbers that hide a program's constants in native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace bpftime::vm::compat {

/// Numbers that nobody can predict who does not know the seed (SplitMix64). Native code that hides
/// constants holds each of them combined with one of these, and takes it apart when it runs.
class blinding_keys {
public:
    explicit blinding_keys(uint64_t seed) noexcept : state_{seed} {}

    [[nodiscard]] uint64_t next() noexcept {
        uint64_t z = state_ += 0x9e37'79b9'7f4a'7c15;
        z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
        return z ^ z >> 31;
    }

private:
    uint64_t state_;
};

}  // namespace bpftime::vm::compat
