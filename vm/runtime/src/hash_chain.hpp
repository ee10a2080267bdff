// bpftime-vm: the chains of hash maps: read without locks, changed under one lock each
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "element_pool.hpp"

#include <atomic>
#include <cstdint>

namespace bpftime::vm::runtime {

// A chain is known by its head: the address of its first element, or a mark. Addresses are
// multiples of 8, so bit 0 tells marks from elements, and bit 1 of a head is its lock. The mark
// tells which chain it ends: a reader that was led into another one, because the element that it
// looked at was deleted and used again, notices at the end and starts over.

using chain_head = std::atomic<uintptr_t>;

inline constexpr uintptr_t chain_lock_bit = 2;

[[nodiscard]] constexpr uintptr_t end_mark(uint32_t bucket) noexcept {
    return uintptr_t{bucket} << 2 | 1;
}
/// A head that was never written is empty, too.
[[nodiscard]] constexpr bool is_element(uintptr_t link) noexcept {
    return (link & 1) == 0 and link != 0;
}
[[nodiscard]] inline element *element_of(uintptr_t link) noexcept {
    return reinterpret_cast<element *>(link);
}
[[nodiscard]] inline uintptr_t first_of(const chain_head &head) noexcept {
    return head.load(std::memory_order_acquire) & ~chain_lock_bit;
}

/// A chain that only its owner may change.
class locked_chain {
public:
    locked_chain(chain_head &head, uint32_t bucket) noexcept : head_{head}, bucket_{bucket} {
        backoff idle;
        while (not try_lock(head_.load(std::memory_order_relaxed))) idle.wait();
    }
    /// Does not wait; see owns().
    struct if_free {};
    locked_chain(chain_head &head, uint32_t bucket, if_free /*tag*/) noexcept
        : head_{head}, bucket_{bucket}, owns_{try_lock(head_.load(std::memory_order_relaxed))} {}
    ~locked_chain() {
        if (owns_) head_.store(first_, std::memory_order_release);
    }
    locked_chain(const locked_chain &) = delete;
    locked_chain &operator=(const locked_chain &) = delete;

    [[nodiscard]] bool owns() const noexcept { return owns_; }
    [[nodiscard]] uint32_t bucket() const noexcept { return bucket_; }
    [[nodiscard]] uintptr_t first() const noexcept { return first_; }

    void insert(element *e) noexcept {
        e->next.store(first_ == 0 ? end_mark(bucket_) : first_, std::memory_order_relaxed);
        set_first(reinterpret_cast<uintptr_t>(e));
    }

    /// Takes the element out; false if it is not in this chain. Its `next` stays.
    bool unlink(element *e) noexcept {
        const uintptr_t after = e->next.load(std::memory_order_relaxed);
        if (first_ == reinterpret_cast<uintptr_t>(e)) {
            set_first(after);
            return true;
        }
        for (uintptr_t link = first_; is_element(link);) {
            std::atomic<uintptr_t> &next = element_of(link)->next;
            link = next.load(std::memory_order_relaxed);
            if (link == reinterpret_cast<uintptr_t>(e)) {
                next.store(after, std::memory_order_release);
                return true;
            }
        }
        return false;
    }

private:
    bool try_lock(uintptr_t first) noexcept {
        first_ = first;
        return (first & chain_lock_bit) == 0 and
               head_.compare_exchange_weak(first, first | chain_lock_bit, std::memory_order_acquire,
                                           std::memory_order_relaxed);
    }

    /// Readers see it at once: an element that was unlinked may be used again before the lock ends.
    void set_first(uintptr_t first) noexcept {
        first_ = first;
        head_.store(first | chain_lock_bit, std::memory_order_release);
    }

    chain_head &head_;
    const uint32_t bucket_;
    uintptr_t first_ = 0;
    bool owns_ = true;
};

}  // namespace bpftime::vm::runtime
