// bpftime-vm: what the tests of maps share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"
#include "runtime/object_map.hpp"
#include "runtime/ring_buffer.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace bpftime::vm::runtime::test {

using bytes = std::vector<uint8_t>;

/// The bytes of a number or struct.
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] bytes bytes_of(const T &value) {
    bytes all(sizeof value);
    std::memcpy(all.data(), &value, sizeof value);
    return all;
}
[[nodiscard]] inline bytes key(uint32_t number) { return bytes_of(number); }
[[nodiscard]] inline bytes word(uint64_t number) { return bytes_of(number); }

/// The number that the bytes begin with.
template <typename T = uint64_t>
[[nodiscard]] T number_of(std::span<const uint8_t> from, std::size_t at = 0) {
    T value{};
    std::memcpy(&value, from.data() + at, sizeof value);
    return value;
}

/// 0 or the errno of a result.
template <typename T>
[[nodiscard]] int errno_of(const result<T> &r) {
    return r ? 0 : r.error().kernel_errno;
}

/// A definition with keys of 4 bytes and values of 8 unless its type has others.
[[nodiscard]] map_definition define(map_type type, uint32_t max_entries, uint32_t flags = 0);

/// For arrays of programs that are of no type.
inline constexpr array_user any_program{object::program_type::generic, "program"};

/// A map; the test fails if there is none.
[[nodiscard]] std::shared_ptr<map> make(const map_definition &definition,
                                        const std::shared_ptr<map> &inner = nullptr);
[[nodiscard]] std::shared_ptr<map> make(map_type type, uint32_t max_entries, uint32_t flags = 0);

/// All keys by next_key(), in its order.
[[nodiscard]] std::vector<bytes> keys_of(const map &m);

/// The value as programs find it; the test fails if it is not there.
[[nodiscard]] uint64_t program_value(map &m, uint32_t number);

}  // namespace bpftime::vm::runtime::test
