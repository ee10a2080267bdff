// bpftime-vm: maps of call stacks, by number
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/stack_trace_map.hpp"

#include "hash_key.hpp"
#include "index_key.hpp"
#include "map_types.hpp"
#include "mapped_memory.hpp"
#include "shared_bytes.hpp"
#include "spin_lock.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace bpftime::vm::runtime {

namespace {

/// A stack is kept at the number that its hash says, in one of `max_entries` places.
class stack_traces final : public stack_trace_map {
public:
    explicit stack_traces(const map_definition &d)
        : stack_trace_map{d},
          numbers_{std::bit_ceil(d.max_entries)},
          stride_{sizeof(place) + round_up(d.value_size, 8)},
          slots_{sizeof(uint32_t) * std::size_t{numbers_}},
          places_{stride_ * d.max_entries} {}

    [[nodiscard]] bool has_memory() const noexcept { return slots_ and places_; }

    int64_t put(std::span<const uint64_t> stack, uint64_t flags) noexcept override {
        stack = stack.first(std::min(stack.size(), definition().value_size / sizeof(uint64_t)));
        const uint32_t hash = hash_key(0, stack.data(), stack.size_bytes());
        const uint32_t number = hash & (numbers_ - 1);
        const std::scoped_lock lock{lock_};
        uint32_t &slot = slot_at(number);
        if (slot != 0) {
            const place &there = place_at(slot);
            if (there.hash == hash and ((flags & stack_compare_hash) != 0 or holds(slot, stack)))
                return number;
            if ((flags & stack_replace) == 0) return -EEXIST;
        }
        const uint32_t fresh = take();
        if (fresh == 0) return -ENOMEM;
        fill(fresh, hash, stack);
        if (slot != 0) give(slot);
        slot = fresh;
        return number;
    }

    // Programs cannot look stacks up.
    int delete_elem(const void *key) noexcept override {
        const uint32_t number = index_of(key);
        if (number >= numbers_) return -E2BIG;
        const std::scoped_lock lock{lock_};
        uint32_t &slot = slot_at(number);
        if (slot == 0) return -ENOENT;
        give(slot);
        slot = 0;
        return 0;
    }

private:
    /// What precedes the addresses of a stack.
    struct place {
        uint32_t hash;
        uint32_t count;  ///< of addresses; while it is free: the next free place
    };

    // Places have numbers from 1 on; 0 is none.

    [[nodiscard]] uint32_t &slot_at(uint32_t number) const noexcept {
        return reinterpret_cast<uint32_t *>(slots_.data())[number];
    }
    [[nodiscard]] place &place_at(uint32_t index) const noexcept {
        return *reinterpret_cast<place *>(places_.data() + (index - 1) * stride_);
    }
    [[nodiscard]] uint8_t *addresses_at(uint32_t index) const noexcept {
        return reinterpret_cast<uint8_t *>(&place_at(index) + 1);
    }

    [[nodiscard]] bool holds(uint32_t index, std::span<const uint64_t> stack) const noexcept {
        return place_at(index).count == stack.size() and
               std::memcmp(addresses_at(index), stack.data(), stack.size_bytes()) == 0;
    }

    uint32_t take() noexcept {
        if (free_ != 0) {
            const uint32_t index = free_;
            free_ = place_at(index).count;
            return index;
        }
        return used_ < definition().max_entries ? ++used_ : 0;
    }

    void give(uint32_t index) noexcept {
        place_at(index).count = free_;
        free_ = index;
    }

    void fill(uint32_t index, uint32_t hash, std::span<const uint64_t> stack) noexcept {
        place_at(index) = {.hash = hash, .count = static_cast<uint32_t>(stack.size())};
        std::memcpy(addresses_at(index), stack.data(), stack.size_bytes());
    }

    int host_lookup(const void *key, void *value) noexcept override {
        const uint32_t number = index_of(key);
        if (number >= numbers_) return -ENOENT;
        const std::scoped_lock lock{lock_};
        const uint32_t index = slot_at(number);
        if (index == 0) return -ENOENT;
        const std::size_t bytes = place_at(index).count * sizeof(uint64_t);
        std::memcpy(value, addresses_at(index), bytes);
        std::memset(static_cast<uint8_t *>(value) + bytes, 0, definition().value_size - bytes);
        return 0;
    }

    int host_next_key(const void *key, void *next) const noexcept override {
        uint32_t number = key == nullptr ? 0 : index_of(key);
        if (key != nullptr) number = number >= numbers_ ? 0 : number + 1;
        const std::scoped_lock lock{lock_};
        while (number < numbers_ and slot_at(number) == 0) ++number;
        if (number >= numbers_) return -ENOENT;
        std::memcpy(next, &number, sizeof number);
        return 0;
    }

    const uint32_t numbers_;
    const std::size_t stride_;
    const mapped_memory slots_;
    const mapped_memory places_;
    mutable spin_lock lock_;
    uint32_t free_ = 0;
    uint32_t used_ = 0;
};

}  // namespace

map_ptr make_stack_trace(const map_definition &d) {
    auto made = std::make_shared<stack_traces>(d);
    return made->has_memory() ? made : nullptr;
}

}  // namespace bpftime::vm::runtime
