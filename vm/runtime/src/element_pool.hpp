// bpftime-vm: the elements of hash maps: where they are, and which are free
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "mapped_memory.hpp"
#include "spin_lock.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bpftime::vm::runtime {

/// The beginning of an element; its key, padded to words, and its value follow. An element stays an
/// element as long as its map lives: who still looks at one that was deleted sees the next one that
/// takes its place, as in the kernel, and never anything else.
struct element {
    /// The next element of the chain; or the mark at the chain's end, which is odd and tells whose.
    std::atomic<uintptr_t> next;
    std::atomic<uint32_t> hash;
    std::atomic<uint32_t> state;  ///< element_state bits

    [[nodiscard]] uint8_t *key() noexcept { return reinterpret_cast<uint8_t *>(this + 1); }
};

enum element_state : uint32_t {
    element_used = 1,        ///< in a chain
    element_referenced = 2,  ///< looked up since the clock's hand last passed
};

/// Elements of one size, `count` of them and one spare for each CPU, in one piece of memory.
class element_pool {
public:
    element_pool(uint32_t count, std::size_t element_bytes);

    [[nodiscard]] bool has_memory() const noexcept { return static_cast<bool>(memory_); }
    /// Of those that may be in the map.
    [[nodiscard]] uint32_t count() const noexcept { return count_; }
    /// Spares included.
    [[nodiscard]] uint32_t size() const noexcept;
    [[nodiscard]] element *at(uint32_t index) const noexcept {
        return reinterpret_cast<element *>(memory_.data() + index * element_bytes_);
    }
    [[nodiscard]] uint32_t index_of(const element *e) const noexcept {
        return static_cast<uint32_t>(
            static_cast<std::size_t>(reinterpret_cast<const uint8_t *>(e) - memory_.data()) /
            element_bytes_);
    }

    /// The element that the byte is in; null if it is in none.
    [[nodiscard]] element *find(const void *byte) const noexcept {
        const uint64_t offset =
            reinterpret_cast<uint64_t>(byte) - reinterpret_cast<uint64_t>(memory_.data());
        return offset < memory_.bytes() ? at(static_cast<uint32_t>(offset / element_bytes_))
                                        : nullptr;
    }

    /// A free element; null if there is none.
    [[nodiscard]] element *take() noexcept;
    void give(element *e) noexcept;

    /// Calls swap(spare) with an element outside of the count; what it gives is the next spare.
    template <typename Swap>
    void with_spare(Swap &&swap) noexcept {
        stripe &s = this_stripe();
        s.lock.lock();
        s.spare = swap(s.spare);
        s.lock.unlock();
    }

private:
    /// Free elements near to one CPU, a list through their hashes: who looks at a deleted element
    /// must find its `next` as it was.
    struct alignas(64) stripe {
        spin_lock lock;
        std::atomic<uint32_t> first = 0;  ///< index + 1; 0: none
        element *spare = nullptr;
    };

    [[nodiscard]] stripe &this_stripe() noexcept;
    [[nodiscard]] element *take_from(stripe &s) noexcept;

    const uint32_t count_;
    const std::size_t element_bytes_;
    const mapped_memory memory_;
    const std::unique_ptr<stripe[]> stripes_;
    std::atomic<uint32_t> untouched_ = 0;  ///< the first element that was never taken
};

}  // namespace bpftime::vm::runtime
