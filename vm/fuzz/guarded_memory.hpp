// bpftime-vm: memory at whose ends nobody gets any further unseen
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bpftime::vm::fuzz {

/// The end of some memory that lies at a page's edge.
enum class guarded_end : uint8_t { first, last };

/// Bytes between two pages that end the process when they are touched, one of them next to the
/// bytes. What lies between the bytes and the other one is poisoned for AddressSanitizer, in code
/// that it was compiled into.
class guarded_memory {
public:
    explicit guarded_memory(std::size_t size, guarded_end end = guarded_end::last);
    ~guarded_memory();
    guarded_memory(const guarded_memory &) = delete;
    guarded_memory &operator=(const guarded_memory &) = delete;

    [[nodiscard]] std::span<uint8_t> bytes() const noexcept { return bytes_; }
    [[nodiscard]] uint64_t address() const noexcept {
        return reinterpret_cast<uintptr_t>(bytes_.data());
    }

private:
    std::span<uint8_t> mapped_;
    std::span<uint8_t> bytes_;
};

}  // namespace bpftime::vm::fuzz
