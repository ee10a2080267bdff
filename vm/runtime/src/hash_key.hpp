// bpftime-vm: keys of hash maps: their hash and their comparison
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "shared_bytes.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bpftime::vm::runtime {

/// Words that a key of this size takes, zeroes behind it.
[[nodiscard]] constexpr std::size_t words_of(std::size_t size) noexcept { return (size + 7) / 8; }

namespace detail {

/// The last `size` bytes of a key, fewer than 8, as the low bytes of a word. A copy of unknown size
/// would be a call.
[[nodiscard]] inline uint64_t key_tail(const uint8_t *bytes, std::size_t size) noexcept {
    static_assert(std::endian::native == std::endian::little);
    uint64_t word = 0;
    unsigned shift = 0;
    const auto append = [&]<typename Part>(Part part) {
        std::memcpy(&part, bytes, sizeof part);
        word |= uint64_t{part} << shift;
        bytes += sizeof part;
        shift += 8 * sizeof part;
    };
    if ((size & 4) != 0) append(uint32_t{});
    if ((size & 2) != 0) append(uint16_t{});
    if ((size & 1) != 0) append(uint8_t{});
    return word;
}

/// The word at byte `at` of the key.
[[nodiscard]] inline uint64_t key_word(const uint8_t *key, std::size_t size,
                                       std::size_t at) noexcept {
    if (size - at < 8) return key_tail(key + at, size - at);
    uint64_t word = 0;
    std::memcpy(&word, key + at, 8);
    return word;
}

[[nodiscard]] inline uint64_t mix(uint64_t a, uint64_t b) noexcept {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace detail

/// What the hash of keys begins with, and what it is multiplied with.
[[nodiscard]] constexpr uint64_t hash_init(uint64_t seed, std::size_t size) noexcept {
    return seed ^ size;
}
[[nodiscard]] constexpr uint64_t hash_factor(uint64_t seed) noexcept {
    constexpr uint64_t odd = 0x9e37'79b9'7f4a'7c15;
    return odd ^ (seed << 1 | 1);
}

/// A hash that nobody who does not know the seed can make collide at will. compat::hash_probe says
/// how it is computed, too.
[[nodiscard]] inline uint32_t hash_key(uint64_t seed, const void *key, std::size_t size) noexcept {
    const auto *const bytes = static_cast<const uint8_t *>(key);
    uint64_t hash = hash_init(seed, size);
    for (std::size_t at = 0; at < size; at += 8)
        hash = detail::mix(hash ^ detail::key_word(bytes, size, at), hash_factor(seed));
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
