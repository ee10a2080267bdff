// bpftime-vm: Bloom filters
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "hash_key.hpp"
#include "map_memory.hpp"
#include "map_types.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <random>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

constexpr uint32_t default_hashes = 5;
constexpr std::size_t bits_at = 64;  ///< behind the seed

uint32_t hashes_of(const map_definition &d) noexcept {
    return d.map_extra == 0 ? default_hashes : static_cast<uint32_t>(d.map_extra);
}

/// Bits for a false positive rate near the least that so many hashes can have.
uint64_t bits_for(const map_definition &d) noexcept {
    const uint64_t wanted = uint64_t{d.max_entries} * hashes_of(d) / 5 * 7;
    return std::clamp<uint64_t>(std::bit_ceil(wanted), 64, uint64_t{1} << 32);
}

uint64_t seed_of(const map_memory &memory, const map_definition &d) {
    auto &seed = *reinterpret_cast<uint64_t *>(memory.data());
    if (memory.is_new()) seed = (d.flags & map_zero_seed) != 0 ? 0 : std::random_device{}();
    return seed;
}

class bloom_filter final : public map {
public:
    bloom_filter(const map_definition &d, map_memory memory)
        : map{d},
          hashes_{hashes_of(d)},
          bit_mask_{static_cast<uint32_t>(bits_for(d) - 1)},
          memory_{std::move(memory)},
          seed_{seed_of(memory_, d)} {
        share(memory_);
    }

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
        return reinterpret_cast<std::atomic<uint64_t> *>(memory_.data() + bits_at)[bit / 64];
    }

    int host_lookup(const void * /*key*/, void *value) noexcept override {
        return peek_elem(value);
    }
    int host_update(const void * /*key*/, const void *value, uint64_t flags) noexcept override {
        return push_elem(value, flags);
    }

    const uint32_t hashes_;
    const uint32_t bit_mask_;
    const map_memory memory_;
    const uint64_t seed_;
};

}  // namespace

std::size_t bytes_of_bloom_filter(const map_definition &d) { return bits_at + bits_for(d) / 8; }

map_ptr make_bloom_filter(const map_definition &d, map_memory memory) {
    return std::make_shared<bloom_filter>(d, std::move(memory));
}

}  // namespace bpftime::vm::runtime
