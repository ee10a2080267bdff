// bpftime-vm: memory whose addresses fit 32 bits
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"

#include <cstdint>
#include <span>

namespace bpftime::vm::cli {

/// A zeroed mapping below 4 GiB: the packet pointers of struct xdp_md have 32 bits.
class low_memory {
public:
    /// At least `size` bytes, at most 4 GiB. Fails (unsupported) if this process has no room there.
    [[nodiscard]] static outcome<low_memory> map(std::size_t size);

    low_memory() = default;
    low_memory(low_memory &&other) noexcept : bytes_{other.bytes_} { other.bytes_ = {}; }
    low_memory &operator=(low_memory &&other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~low_memory();

    [[nodiscard]] std::span<uint8_t> bytes() const noexcept { return bytes_; }

private:
    explicit low_memory(std::span<uint8_t> bytes) : bytes_{bytes} {}

    std::span<uint8_t> bytes_;
};

}  // namespace bpftime::vm::cli
