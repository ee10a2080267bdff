// bpftime-vm: copies between memory that threads share and memory that one thread owns
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bpftime::vm::runtime {

// Values of maps are read and written while others write them, as in the kernel. Each word moves as
// one: a reader may see words of two writes, never half a word, and no compiler may assume that
// nobody else is there.

[[nodiscard]] inline uint64_t load_word(const void *at) noexcept {
    return static_cast<const std::atomic<uint64_t> *>(at)->load(std::memory_order_relaxed);
}

inline void store_word(void *at, uint64_t word) noexcept {
    static_cast<std::atomic<uint64_t> *>(at)->store(word, std::memory_order_relaxed);
}

/// Copies `size` bytes of shared memory, aligned to 8, to memory of the caller.
inline void load_shared(void *to, const void *from, std::size_t size) noexcept {
    auto *const out = static_cast<uint8_t *>(to);
    const auto *const in = static_cast<const uint8_t *>(from);
    std::size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        const uint64_t word = load_word(in + i);
        std::memcpy(out + i, &word, 8);
    }
    for (; i < size; ++i) {
        out[i] =
            reinterpret_cast<const std::atomic<uint8_t> *>(in + i)->load(std::memory_order_relaxed);
    }
}

/// Copies `size` bytes of the caller to shared memory, aligned to 8.
inline void store_shared(void *to, const void *from, std::size_t size) noexcept {
    auto *const out = static_cast<uint8_t *>(to);
    const auto *const in = static_cast<const uint8_t *>(from);
    std::size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word = 0;
        std::memcpy(&word, in + i, 8);
        store_word(out + i, word);
    }
    for (; i < size; ++i) {
        reinterpret_cast<std::atomic<uint8_t> *>(out + i)->store(in[i], std::memory_order_relaxed);
    }
}

/// Zeroes `size` bytes of shared memory, a multiple of 8 and aligned to it.
inline void clear_shared(void *at, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; i += 8) store_word(static_cast<uint8_t *>(at) + i, 0);
}

[[nodiscard]] constexpr std::size_t round_up(std::size_t size, std::size_t multiple) noexcept {
    return (size + multiple - 1) / multiple * multiple;
}

}  // namespace bpftime::vm::runtime
