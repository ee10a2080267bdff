// bpftime-vm: little-endian numbers in bytes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace bpftime::vm::object::wire {

static_assert(std::endian::native == std::endian::little, "objects are read in the host's order");

/// The caller guarantees that the bytes are there.
template <typename T>
[[nodiscard]] T read(std::span<const uint8_t> bytes, std::size_t offset) noexcept {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

template <typename T>
void write(std::span<uint8_t> bytes, std::size_t offset, T value) noexcept {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

/// Whether `length` bytes at `offset` lie in `size`.
[[nodiscard]] constexpr bool fits(uint64_t offset, uint64_t length, uint64_t size) noexcept {
    return offset <= size and length <= size - offset;
}

}  // namespace bpftime::vm::object::wire
