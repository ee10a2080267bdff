// bpftime-vm: Bloom filters
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "hash_key.hpp"
#include "map_types.hpp"
#include "mapped_memory.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <random>

namespace bpftime::vm::runtime {

namespace {

constexpr uint32_t default_hashes = 5;

/// Bits for a false positive rate near the least that so many hashes can have.
uint64_t bits_for(const map_definition &d, uint32_t hashes) noexcept {
    const uint64_t wanted = uint64_t{d.max_entries} * hashes / 5 * 7;
    return std::clamp<uint64_t>(std::bit_ceil(wanted), 64, uint64_t{1} << 32);
}

class bloom_filter final : public map {
public:
    explicit bloom_filter(const map_definition &d)
        : map{d},
          hashes_{d.map_extra == 0 ? default_hashes : static_cast<uint32_t>(d.map_extra)},
          bit_mask_{static_cast<uint32_t>(bits_for(d, hashes_) - 1)},
          seed_{(d.flags & map_zero_seed) != 0 ? 0 : std::random_device{}()},
          memory_{(std::size_t{bit_mask_} + 1) / 8} {}

    [[nodiscard]] bool has_memory() const noexcept { return static_cast<bool>(memory_); }

    int push_elem(const void *value, uint64_t flags) noexcept override {
        if (flags != update_any) return -EINVAL;
        for (uint32_t i = 0; i < hashes_; ++i) {
            const uint32_t bit = bit_of(value, i);
            word(bit).fetch_or(uint64_t{1} << bit % 64, std::memory_order_relaxed);
        }
        return 0;
    }

    /// Whether the value may have been pushed.
    int peek_elem(void *value) noexcept override {
        for (uint32_t i = 0; i < hashes_; ++i) {
            const uint32_t bit = bit_of(value, i);
            if ((word(bit).load(std::memory_order_relaxed) >> bit % 64 & 1) == 0) return -ENOENT;
        }
        return 0;
    }

    int delete_elem(const void * /*key*/) noexcept override { return -EOPNOTSUPP; }

private:
    [[nodiscard]] uint32_t bit_of(const void *value, uint32_t hash) const noexcept {
        return hash_key(seed_ + hash, value, definition().value_size) & bit_mask_;
    }
    [[nodiscard]] std::atomic<uint64_t> &word(uint32_t bit) const noexcept {
        return reinterpret_cast<std::atomic<uint64_t> *>(memory_.data())[bit / 64];
    }

    int host_lookup(const void * /*key*/, void *value) noexcept override {
        return peek_elem(value);
    }
    int host_update(const void * /*key*/, const void *value, uint64_t flags) noexcept override {
        return push_elem(value, flags);
    }

    const uint32_t hashes_;
    const uint32_t bit_mask_;
    const uint64_t seed_;
    const mapped_memory memory_;
};

}  // namespace

map_ptr make_bloom_filter(const map_definition &d) {
    auto made = std::make_shared<bloom_filter>(d);
    return made->has_memory() ? made : nullptr;
}

}  // namespace bpftime::vm::runtime
