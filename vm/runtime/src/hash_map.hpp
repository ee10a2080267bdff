// bpftime-vm: hash maps of every kind: plain, per CPU, and such that forget
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "element_pool.hpp"
#include "hash_chain.hpp"
#include "hash_key.hpp"
#include "mapped_memory.hpp"
#include "runtime/cpu.hpp"
#include "runtime/map.hpp"

#include <atomic>
#include <cstdint>

namespace bpftime::vm::runtime {

/// All of a hash map but the lookup of programs.
class hash_map : public map {
public:
    explicit hash_map(const map_definition &definition);

    [[nodiscard]] bool has_memory() const noexcept;

    void *lookup_percpu_elem(const void *key, uint32_t cpu) noexcept override;
    int update_elem(const void *key, const void *value, uint64_t flags) noexcept override;
    int delete_elem(const void *key) noexcept override;
    int64_t for_each_elem(visitor visit, void *context) noexcept override;
    std::optional<value_place> locate(const void *place) const override;

protected:
    /// The element with this key; null if there is none. Takes no lock.
    [[nodiscard]] element *find(const void *key, std::size_t key_size) const noexcept {
        const uint32_t bucket = hash_key(seed_, key, key_size) & bucket_mask_;
        for (;;) {
            uintptr_t link = first_of(heads()[bucket]);
            for (; is_element(link);
                 link = element_of(link)->next.load(std::memory_order_acquire)) {
                if (equals_key(element_of(link)->key(), key, key_size)) return element_of(link);
            }
            if (link == end_mark(bucket) or link == 0) return nullptr;
        }
    }
    /// Where a value of `e` is; of a per-CPU map, that of CPU `cpu`.
    [[nodiscard]] uint8_t *value_of(element *e) const noexcept {
        return reinterpret_cast<uint8_t *>(e) + value_offset_;
    }
    [[nodiscard]] uint8_t *percpu_value_of(element *e, uint32_t cpu) const noexcept {
        return reinterpret_cast<uint8_t *>(load_word(value_of(e))) + cpu * cpu_stride_;
    }
    static void reference(element *e) noexcept {
        const uint32_t state = e->state.load(std::memory_order_relaxed);
        if ((state & element_referenced) == 0)
            e->state.store(state | element_referenced, std::memory_order_relaxed);
    }

private:
    enum class cpus { current, all };

    int host_lookup(const void *key, void *value) noexcept override;
    int host_update(const void *key, const void *value, uint64_t flags) noexcept override;
    int host_lookup_and_delete(const void *key, void *value) noexcept override;
    int host_next_key(const void *key, void *next) const noexcept override;

    [[nodiscard]] chain_head *heads() const noexcept {
        return reinterpret_cast<chain_head *>(buckets_.data());
    }
    [[nodiscard]] uint32_t hash_of(const void *key) const noexcept {
        return hash_key(seed_, key, definition().key_size);
    }
    [[nodiscard]] element *find_in(const locked_chain &chain, const void *key) const noexcept;
    int put(const void *key, const void *value, uint64_t flags, cpus scope) noexcept;
    void fill(element *e, uint32_t hash, const void *key, const void *value, cpus scope) noexcept;
    void fill_percpu(element *e, const void *value, cpus scope) noexcept;
    void write_percpu(element *e, const void *value, cpus scope) noexcept;
    void read_value(element *e, void *value) const noexcept;
    void replace(locked_chain &chain, element *old, uint32_t hash, const void *key,
                 const void *value) noexcept;
    [[nodiscard]] element *take(locked_chain &chain) noexcept;
    [[nodiscard]] element *evict(locked_chain &held) noexcept;
    [[nodiscard]] bool evict_from_chain(element *e, locked_chain &held) noexcept;
    int remove(const void *key, void *value) noexcept;
    int first_key_from(uint64_t bucket, void *key) const noexcept;

    const bool percpu_;
    const bool lru_;
    const uint64_t seed_;
    const uint32_t bucket_mask_;
    const std::size_t value_offset_;
    const std::size_t value_stride_;
    const mapped_memory buckets_;
    element_pool pool_;
    const std::size_t cpu_stride_;       ///< between the values of two CPUs
    const mapped_memory percpu_values_;  ///< by CPU, then by element
    std::atomic<uint32_t> hand_ = 0;     ///< of the clock that finds what to evict
};

}  // namespace bpftime::vm::runtime
