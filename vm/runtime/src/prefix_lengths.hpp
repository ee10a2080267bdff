// bpftime-vm: which lengths the prefixes of a pinned trie have
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "robust_lock.hpp"
#include "shared_bytes.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bpftime::vm::runtime {

/// The lengths from 0 to `most` that prefixes have, in memory that processes share. A process that
/// dies may leave a length that no prefix has, which costs who looks something up a step; it leaves
/// no prefix without its length. Lookups take no lock.
class prefix_lengths {
public:
    [[nodiscard]] static constexpr std::size_t bytes_for(uint32_t most) noexcept {
        return entries_at(most) + sizeof(uint32_t) * (std::size_t{most} + 1);
    }

    /// `memory`: aligned to 8, zeroed when it is new; it and `holder` outlive this.
    prefix_lengths(uint8_t *memory, uint32_t most, const lock_holder &holder) noexcept;
    /// Whether what another process wrote names no other lengths.
    [[nodiscard]] bool is_sound() const noexcept;

    /// There will be one prefix more of this length; call it before there is.
    void add(uint32_t length) noexcept;
    /// There is one less.
    void remove(uint32_t length) noexcept;

    /// Calls visit(length) for those that there are, from `length` on down to 0, until that is
    /// true.
    template <typename Visit>
    void visit_down_from(uint32_t length, Visit &&visit) const noexcept {
        uint64_t wanted = ~uint64_t{0} >> (63 - length % 64);
        for (uint32_t word = length / 64 + 1; word-- > 0; wanted = ~uint64_t{0}) {
            uint64_t bits = used_[word].load(std::memory_order_acquire) & wanted;
            while (bits != 0) {
                const auto bit = static_cast<uint32_t>(63 - std::countl_zero(bits));
                if (visit(word * 64 + bit)) return;
                bits ^= uint64_t{1} << bit;
            }
        }
    }

    // Who looks for the longest prefix asks for one length after the other. If a prefix was deleted
    // meanwhile, and before that a longer one added in its place, it may have come too early for
    // the one and too late for the other.

    /// A prefix is about to be deleted.
    void will_delete() const noexcept {
        head_.deletions.fetch_add(1, std::memory_order_acq_rel);
        std::atomic_thread_fence(std::memory_order_release);
    }
    [[nodiscard]] uint32_t deletions() const noexcept {
        return head_.deletions.load(std::memory_order_acquire);
    }
    /// Whether one was deleted since there were so many deletions.
    [[nodiscard]] bool has_deleted_since(uint32_t deletions) const noexcept {
        std::atomic_thread_fence(std::memory_order_acquire);
        return head_.deletions.load(std::memory_order_relaxed) != deletions;
    }

private:
    /// What the memory begins with. A word with a bit for each length that prefixes may have
    /// follows for each 64 lengths, then a count for each length.
    struct head {
        robust_lock lock;  ///< of those who add and remove
        std::atomic<uint32_t> deletions;
    };
    static_assert(sizeof(head) == 8);

    [[nodiscard]] static constexpr std::size_t words_for(uint32_t most) noexcept {
        return most / 64 + std::size_t{1};
    }
    [[nodiscard]] static constexpr std::size_t entries_at(uint32_t most) noexcept {
        return sizeof(head) + sizeof(uint64_t) * words_for(most);
    }

    const uint32_t most_;
    const lock_holder &holder_;
    head &head_;
    std::atomic<uint64_t> *const used_;
    relaxed<uint32_t> *const entries_;
};

}  // namespace bpftime::vm::runtime
