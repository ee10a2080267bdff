// bpftime-vm: the arena of a program, as accesses see it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-types.h"

#include <atomic>
#include <cstdint>
#include <optional>

namespace bpftime::vm::compat {

/// What ebpf_arena says, asked for one access. Programs have pointers into the arena in two forms:
/// the address in this process, and its low 32 bits alone, which is what arithmetic of 32 bits
/// leaves of it.
class arena_view {
public:
    explicit arena_view(const ebpf_arena *arena) noexcept : arena_{arena} {}

    [[nodiscard]] bool exists() const noexcept { return arena_ != nullptr; }

    /// Where an access is that begins in the arena, or misses it by less than the offset of an
    /// instruction: how far behind the window's begin. Nothing: it is elsewhere.
    [[nodiscard]] std::optional<int64_t> offset_of(uint64_t address) const noexcept {
        if (arena_ == nullptr) return std::nullopt;
        for (const uint64_t base : {arena_->window, uint64_t{0}}) {
            if (address - base + guard < window_bytes + 2 * guard)
                return static_cast<int64_t>(address - base);
        }
        return std::nullopt;
    }
    [[nodiscard]] uint64_t address_of(int64_t offset) const noexcept {
        return arena_->window + static_cast<uint64_t>(offset);
    }

    /// Whether all pages of [offset, offset + size) are there.
    [[nodiscard]] bool has(int64_t offset, uint64_t size) const noexcept {
        if (offset < 0 or size == 0 or size > window_bytes) return false;
        const auto begin = static_cast<uint64_t>(offset);
        const uint64_t first = begin / arena_->page_size;
        const uint64_t last = (begin + size - 1) / arena_->page_size;
        if (first < arena_->first_page or last - arena_->first_page >= arena_->page_count)
            return false;
        for (uint64_t page = first; page <= last; ++page) {
            if (not is_there(page - arena_->first_page)) return false;
        }
        return true;
    }
    /// Whether the program may touch [address, address + size) at this address.
    [[nodiscard]] bool holds(uint64_t address, uint64_t size) const noexcept {
        return arena_ != nullptr and address - arena_->window < window_bytes and
               has(static_cast<int64_t>(address - arena_->window), size);
    }

private:
    static constexpr uint64_t window_bytes = uint64_t{1} << 32;
    static constexpr uint64_t guard = uint64_t{1} << 15;

    [[nodiscard]] bool is_there(uint64_t page) const noexcept {
        const uint64_t word = __atomic_load_n(&arena_->is_there[page / 64], __ATOMIC_ACQUIRE);
        return (word >> page % 64 & 1) != 0;
    }

    const ebpf_arena *arena_;
};

/// What addr_space_cast makes of `value`, in either direction: the program's side of the arena is
/// the host's. A null pointer stays one.
[[nodiscard]] constexpr uint64_t cast_into_arena(uint64_t window, uint64_t value) noexcept {
    const uint64_t low = value & 0xffff'ffff;
    return low == 0 ? 0 : window | low;
}

}  // namespace bpftime::vm::compat
