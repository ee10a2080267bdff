// bpftime-vm: maps of the running kernel, for comparison
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/map.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::runtime::test {

/// A map of the kernel by bpf(2). Functions give 0 or a negative errno.
class kernel_map {
public:
    kernel_map() = default;
    ~kernel_map();
    kernel_map(const kernel_map &) = delete;
    kernel_map &operator=(const kernel_map &) = delete;

    /// Why there can be no maps of the kernel here; "" if there can.
    [[nodiscard]] static std::string why_unavailable();

    int create(const map_definition &definition);
    /// The same, where the kernel knows that keys are of type 1 and values of type 2 in `btf`.
    int create(const map_definition &definition, std::span<const uint8_t> btf);
    int lookup(std::span<const uint8_t> key, std::span<uint8_t> value, uint64_t flags = 0) const;
    int update(std::span<const uint8_t> key, std::span<const uint8_t> value, uint64_t flags) const;
    int remove(std::span<const uint8_t> key) const;
    int lookup_and_delete(std::span<const uint8_t> key, std::span<uint8_t> value) const;
    /// `key` empty: the first.
    int next_key(std::span<const uint8_t> key, std::span<uint8_t> next) const;
    [[nodiscard]] int freeze() const;
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_ = -1;
};

}  // namespace bpftime::vm::runtime::test
