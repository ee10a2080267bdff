// bpftime-vm: keys of hash maps: their hash and their comparison
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bpftime::vm::runtime {

/// Words that a key of this size takes, zeroes behind it.
[[nodiscard]] constexpr std::size_t words_of(std::size_t size) noexcept { return (size + 7) / 8; }

namespace detail {

/// The word at byte `at` of the key.
[[nodiscard]] inline uint64_t key_word(const uint8_t *key, std::size_t size,
                                       std::size_t at) noexcept {
    uint64_t word = 0;
    if (size - at >= 8)
        std::memcpy(&word, key + at, 8);
    else
        std::memcpy(&word, key + at, size - at);
    return word;
}

[[nodiscard]] inline uint64_t mix(uint64_t a, uint64_t b) noexcept {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace detail

/// A hash that nobody who does not know the seed can make collide at will.
[[nodiscard]] inline uint32_t hash_key(uint64_t seed, const void *key, std::size_t size) noexcept {
    constexpr uint64_t odd = 0x9e37'79b9'7f4a'7c15;
    const auto *const bytes = static_cast<const uint8_t *>(key);
    uint64_t hash = seed ^ size;
    for (std::size_t at = 0; at < size; at += 8)
        hash = detail::mix(hash ^ detail::key_word(bytes, size, at), odd ^ (seed << 1 | 1));
    return static_cast<uint32_t>(hash ^ hash >> 32);
}

/// Whether shared memory holds this key.
[[nodiscard]] inline bool equals_key(const void *shared, const void *key,
                                     std::size_t size) noexcept {
    const auto *const stored = static_cast<const uint8_t *>(shared);
    const auto *const bytes = static_cast<const uint8_t *>(key);
    for (std::size_t at = 0; at < size; at += 8) {
        if (load_word(stored + at) != detail::key_word(bytes, size, at)) return false;
    }
    return true;
}

/// Writes the key to shared memory.
inline void store_key(void *shared, const void *key, std::size_t size) noexcept {
    for (std::size_t at = 0; at < size; at += 8) {
        store_word(static_cast<uint8_t *>(shared) + at,
                   detail::key_word(static_cast<const uint8_t *>(key), size, at));
    }
}

}  // namespace bpftime::vm::runtime
