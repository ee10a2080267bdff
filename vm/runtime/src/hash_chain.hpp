// bpftime-vm: the chains of hash maps: read without locks, changed under one lock each
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "element_pool.hpp"
#include "robust_lock.hpp"

#include <atomic>
#include <cstdint>

namespace bpftime::vm::runtime {

// A chain is known by its head: a link, and who holds its lock. A link is that of the next element,
// or odd: the mark at a chain's end, which tells which chain it ends. A reader that was led into
// another one, because the element that it looked at was deleted and used again, notices at the end
// and starts over.

using chain_head = std::atomic<uint64_t>;
static_assert(element_links::bits + lock_holder::token_bits <= 64);

[[nodiscard]] constexpr uint64_t end_mark(uint32_t bucket) noexcept {
    return uint64_t{bucket} << 1 | 1;
}
[[nodiscard]] inline uint64_t first_of(const chain_head &head) noexcept {
    return head.load(std::memory_order_acquire) >> lock_holder::token_bits;
}

/// A chain that only its owner may change. Each store leaves a chain, so that it can be taken from
/// a process that died.
class locked_chain {
public:
    locked_chain(chain_head &head, uint32_t bucket, const element_links &links,
                 const lock_holder &by) noexcept
        : head_{head}, bucket_{bucket}, links_{links}, owner_{by.token()} {
        if (not try_lock()) lock_slowly(by);
    }
    /// Does not wait; see owns().
    struct if_free {};
    locked_chain(chain_head &head, uint32_t bucket, const element_links &links,
                 const lock_holder &by, if_free /*tag*/) noexcept
        : head_{head}, bucket_{bucket}, links_{links}, owner_{by.token()}, owns_{try_lock()} {}
    ~locked_chain() {
        if (owns_) head_.store(head_of(first_, nobody), std::memory_order_release);
    }
    locked_chain(const locked_chain &) = delete;
    locked_chain &operator=(const locked_chain &) = delete;

    [[nodiscard]] bool owns() const noexcept { return owns_; }
    [[nodiscard]] uint32_t bucket() const noexcept { return bucket_; }
    [[nodiscard]] uint64_t first() const noexcept { return first_; }

    void insert(element *e) noexcept {
        e->next.store(first_ == 0 ? end_mark(bucket_) : first_, std::memory_order_relaxed);
        set_first(links_.link_to(e));
    }

    /// Takes the element out; false if it is not in this chain. Its `next` stays.
    bool unlink(element *e) noexcept {
        return redirect(e, e->next.load(std::memory_order_relaxed));
    }
    /// Puts an element in the place of another one, in one step; false if that is not in this
    /// chain.
    bool replace(const element *old, element *by) noexcept {
        by->next.store(old->next.load(std::memory_order_relaxed), std::memory_order_relaxed);
        return redirect(old, links_.link_to(by));
    }

private:
    static constexpr uint64_t nobody = 0;
    static constexpr uint64_t token_mask = (uint64_t{1} << lock_holder::token_bits) - 1;

    static constexpr uint64_t head_of(uint64_t link, uint64_t owner) noexcept {
        return link << lock_holder::token_bits | owner;
    }

    bool try_lock() noexcept {
        uint64_t seen = head_.load(std::memory_order_relaxed);
        return (seen & token_mask) == 0 and try_lock(seen);
    }
    /// In the place of who held it, or of nobody.
    bool try_lock(uint64_t &seen) noexcept {
        first_ = seen >> lock_holder::token_bits;
        return head_.compare_exchange_weak(seen, head_of(first_, owner_), std::memory_order_acquire,
                                           std::memory_order_relaxed);
    }
    void lock_slowly(const lock_holder &by) noexcept;

    /// Lets what leads to the element lead elsewhere.
    bool redirect(const element *e, uint64_t elsewhere) noexcept {
        const uint64_t to_e = links_.link_to(e);
        if (first_ == to_e) {
            set_first(elsewhere);
            return true;
        }
        element_patience patience = links_.patience();
        for (uint64_t link = first_; links_.is_element(link);) {
            std::atomic<uint64_t> &next = links_.element_of(link)->next;
            link = next.load(std::memory_order_relaxed);
            if (link == to_e) {
                next.store(elsewhere, std::memory_order_release);
                return true;
            }
            if (patience.is_over()) return false;
        }
        return false;
    }

    /// Readers see it at once: an element that was unlinked may be used again before the lock ends.
    void set_first(uint64_t first) noexcept {
        first_ = first;
        head_.store(head_of(first, owner_), std::memory_order_release);
    }

    chain_head &head_;
    const uint32_t bucket_;
    const element_links &links_;
    const uint64_t owner_;
    uint64_t first_ = 0;
    bool owns_ = true;
};

}  // namespace bpftime::vm::runtime
