// bpftime-vm: the elements of hash maps: where they are, and which are free
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "map_memory.hpp"
#include "robust_lock.hpp"
#include "runtime/cpu.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bpftime::vm::runtime {

/// The beginning of an element; its key, padded to words, and its value follow. An element stays an
/// element as long as its map lives: who still looks at one that was deleted sees the next one that
/// takes its place, as in the kernel, and never anything else.
struct element {
    /// The next element of the chain; or the mark at the chain's end, which is odd and tells whose.
    std::atomic<uint64_t> next;
    std::atomic<uint32_t> hash;
    std::atomic<uint32_t> state;  ///< element_state bits

    [[nodiscard]] uint8_t *key() noexcept { return reinterpret_cast<uint8_t *>(this + 1); }
};

enum element_state : uint32_t {
    element_used = 1,        ///< in a chain
    element_referenced = 2,  ///< looked up since the clock's hand last passed
};

/// How many elements one looks at before one takes a chain for such as never ends: only another
/// process can make it so.
class element_patience {
public:
    explicit element_patience(uint64_t steps) noexcept : left_{steps} {}
    [[nodiscard]] bool is_over() noexcept { return left_-- == 0; }

private:
    uint64_t left_;
};

/// From elements to links, which are what the map's memory has in place of addresses, and back:
/// even numbers, that tell how many words after the first element an element lies. Other processes
/// may write links, so that each is looked at before it is followed.
class element_links {
public:
    /// Links fit into so many bits.
    static constexpr unsigned bits = 44;
    /// Elements in more bytes than these cannot be linked.
    static constexpr uint64_t most_bytes = uint64_t{1} << (bits + 1);

    element_links(uint8_t *elements, std::size_t element_bytes, std::size_t count) noexcept
        : before_{elements - word_bytes},
          last_{element_bytes * (count - 1) / word_bytes},
          most_steps_{count + slack} {}

    /// 0 is no link to an element: that is what was never written. Any other number may be one to
    /// something that begins in the middle of an element, and ends where one does at the latest.
    [[nodiscard]] bool is_element(uint64_t link) const noexcept {
        return std::rotr(link, 1) - 1 <= last_;
    }
    /// The same for what this process wrote.
    [[nodiscard]] static bool is_own_element(uint64_t link) noexcept {
        return (link & 1) == 0 and link != 0;
    }
    [[nodiscard]] element *element_of(uint64_t link) const noexcept {
        auto *const e = reinterpret_cast<element *>(before_ + link * unit);
        if (e == nullptr) __builtin_unreachable();
        return e;
    }
    [[nodiscard]] uint64_t link_to(const element *e) const noexcept {
        return static_cast<uint64_t>(reinterpret_cast<const uint8_t *>(e) - before_) / unit;
    }
    [[nodiscard]] element_patience patience() const noexcept {
        return element_patience{most_steps_};
    }
    /// The element of a link is `unit` times the link behind this.
    [[nodiscard]] const uint8_t *before() const noexcept { return before_; }
    static constexpr std::size_t unit = 4;

private:
    static constexpr std::size_t word_bytes = 8;
    /// Elements that others move while one looks are met more than once.
    static constexpr uint64_t slack = 1U << 16;

    uint8_t *before_;      ///< a word before the elements
    uint64_t last_;        ///< words from the first element to the last one
    uint64_t most_steps_;  ///< through all elements
};

/// Elements of one size, `count` of them and one spare for each CPU.
class element_pool {
public:
    /// Free elements near to one CPU, a list through their hashes: who looks at a deleted element
    /// must find its `next` as it was.
    struct alignas(64) stripe {
        robust_lock lock;
        std::atomic<uint32_t> first;  ///< index + 1; 0: none
        std::atomic<uint64_t> spare;  ///< a link; 0: none
    };

    /// `elements` and `untouched` and the stripes, one for each CPU, are in the map's memory.
    element_pool(const map_memory &memory, uint8_t *elements, uint32_t count,
                 std::size_t element_bytes, std::atomic<uint32_t> &untouched, stripe *stripes);
    /// Makes the spares of a new map.
    void make_spares() noexcept;
    /// Whether what another process wrote names elements that there are.
    [[nodiscard]] bool is_sound() const noexcept;
    /// Whether the link is that of an element.
    [[nodiscard]] bool is_sound(uint64_t link) const noexcept;

    /// Of those that may be in the map.
    [[nodiscard]] uint32_t count() const noexcept { return count_; }
    /// Spares included.
    [[nodiscard]] uint32_t size() const noexcept { return size_; }
    [[nodiscard]] static uint32_t size_for(uint32_t count) noexcept;
    [[nodiscard]] const element_links &links() const noexcept { return links_; }
    [[nodiscard]] element *at(uint32_t index) const noexcept {
        return reinterpret_cast<element *>(elements_ + index * element_bytes_);
    }
    [[nodiscard]] uint32_t index_of(const element *e) const noexcept {
        return static_cast<uint32_t>(
            static_cast<std::size_t>(reinterpret_cast<const uint8_t *>(e) - elements_) /
            element_bytes_);
    }

    /// The element that the byte is in; null if it is in none.
    [[nodiscard]] element *find(const void *byte) const noexcept {
        const uint64_t offset =
            reinterpret_cast<uint64_t>(byte) - reinterpret_cast<uint64_t>(elements_);
        return offset < size() * element_bytes_ ? at(static_cast<uint32_t>(offset / element_bytes_))
                                                : nullptr;
    }

    /// A free element; null if there is none.
    [[nodiscard]] element *take() noexcept;
    void give(element *e) noexcept;

    /// Calls swap(spare) with an element outside of the count; what it gives is the next spare.
    /// False if there is none: a process died with it, and the map is full.
    template <typename Swap>
    [[nodiscard]] bool with_spare(Swap &&swap) noexcept {
        stripe &s = this_stripe();
        {
            const scoped_robust_lock guard{s.lock, holder_};
            const uint64_t spare = s.spare.load(std::memory_order_relaxed);
            if (links_.is_element(spare)) {
                // Who dies in between loses the element; another one must not use it while it is
                // in the map.
                s.spare.store(0, std::memory_order_relaxed);
                element *const next = swap(links_.element_of(spare));
                s.spare.store(links_.link_to(next), std::memory_order_relaxed);
                return true;
            }
        }
        element *const other = take();
        if (other == nullptr) return false;
        give_as_spare(s, swap(other));
        return true;
    }

private:
    [[nodiscard]] stripe &this_stripe() noexcept { return stripes_[current_cpu()]; }
    [[nodiscard]] element *take_from(stripe &s) noexcept;
    void give_as_spare(stripe &s, element *e) noexcept;

    const lock_holder &holder_;
    uint8_t *const elements_;
    const uint32_t count_;
    const uint32_t size_;
    const std::size_t element_bytes_;
    const element_links links_;
    std::atomic<uint32_t> &untouched_;  ///< the first element that was never taken
    stripe *const stripes_;
};

}  // namespace bpftime::vm::runtime
