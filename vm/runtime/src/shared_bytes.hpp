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

/// A number that others may read meanwhile, and only one thread writes at a time.
template <typename T>
class relaxed {
public:
    // NOLINTNEXTLINE(google-explicit-constructor): it is used as its value.
    operator T() const noexcept { return value_.load(std::memory_order_relaxed); }
    relaxed &operator=(T value) noexcept {
        value_.store(value, std::memory_order_relaxed);
        return *this;
    }

private:
    std::atomic<T> value_;
};

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

namespace detail {

/// Calls `copy` for offsets of naturally aligned numbers, as large as `size` bytes at `shared`
/// allow.
template <typename Copy>
void for_each_number(const uint8_t *shared, std::size_t size, Copy copy) noexcept {
    for (std::size_t at = 0; at < size;) {
        const auto fits = [&](std::size_t n) {
            return size - at >= n and reinterpret_cast<uintptr_t>(shared + at) % n == 0;
        };
        const std::size_t n = fits(8) ? 8 : fits(4) ? 4 : fits(2) ? 2 : 1;
        copy(at, n);
        at += n;
    }
}

template <typename Word>
void load_number(void *to, const void *from) noexcept {
    const Word word = static_cast<const std::atomic<Word> *>(from)->load(std::memory_order_relaxed);
    std::memcpy(to, &word, sizeof word);
}

template <typename Word>
void store_number(void *to, const void *from) noexcept {
    Word word{};
    std::memcpy(&word, from, sizeof word);
    static_cast<std::atomic<Word> *>(to)->store(word, std::memory_order_relaxed);
}

}  // namespace detail

/// Copies `size` bytes of shared memory, which may begin anywhere in a value, to memory of the
/// caller. Numbers in it that are aligned move as one.
inline void load_part(void *to, const void *from, std::size_t size) noexcept {
    auto *const out = static_cast<uint8_t *>(to);
    const auto *const in = static_cast<const uint8_t *>(from);
    detail::for_each_number(in, size, [&](std::size_t at, std::size_t n) {
        switch (n) {
        case 8: return detail::load_number<uint64_t>(out + at, in + at);
        case 4: return detail::load_number<uint32_t>(out + at, in + at);
        case 2: return detail::load_number<uint16_t>(out + at, in + at);
        default: return detail::load_number<uint8_t>(out + at, in + at);
        }
    });
}

/// The other way round.
inline void store_part(void *to, const void *from, std::size_t size) noexcept {
    auto *const out = static_cast<uint8_t *>(to);
    const auto *const in = static_cast<const uint8_t *>(from);
    detail::for_each_number(out, size, [&](std::size_t at, std::size_t n) {
        switch (n) {
        case 8: return detail::store_number<uint64_t>(out + at, in + at);
        case 4: return detail::store_number<uint32_t>(out + at, in + at);
        case 2: return detail::store_number<uint16_t>(out + at, in + at);
        default: return detail::store_number<uint8_t>(out + at, in + at);
        }
    });
}

/// Zeroes `size` bytes of shared memory, a multiple of 8 and aligned to it.
inline void clear_shared(void *at, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; i += 8) store_word(static_cast<uint8_t *>(at) + i, 0);
}

[[nodiscard]] constexpr std::size_t round_up(std::size_t size, std::size_t multiple) noexcept {
    return (size + multiple - 1) / multiple * multiple;
}

}  // namespace bpftime::vm::runtime
