// bpftime-vm: hash maps of every kind: plain, per CPU, and such that forget
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "element_pool.hpp"
#include "hash_chain.hpp"
#include "hash_key.hpp"
#include "map_memory.hpp"
#include "runtime/cpu.hpp"
#include "runtime/map.hpp"

#include <atomic>
#include <cstdint>

namespace bpftime::vm::runtime {

/// Where things are in a hash map's memory.
struct hash_layout {
    uint32_t buckets;
    std::size_t value_offset;  ///< in an element
    std::size_t value_stride;
    std::size_t element_bytes;
    std::size_t cpu_stride;  ///< between the values of two CPUs

    std::size_t heads;
    std::size_t elements;
    std::size_t percpu_values;
    std::size_t bytes;

    /// `beside`: bytes, whole words, that an element keeps behind its key.
    explicit hash_layout(const map_definition &definition, std::size_t beside = 0);
    /// The same as `bytes`, or more than any memory has, if links could not reach all of it.
    [[nodiscard]] std::size_t bytes_to_reserve() const noexcept;
};

/// All of a hash map but the lookup of programs.
class hash_map : public map {
public:
    /// `beside`: what follows a key, and its padding to words, in memory of the caller when the key
    /// is added or its value replaced, and in the element from then on. It is not compared.
    hash_map(const map_definition &definition, map_memory memory, std::size_t beside = 0);

    /// Whether all that another process wrote stays inside of the memory.
    [[nodiscard]] bool is_sound() const noexcept override;

    void *lookup_percpu_elem(const void *key, uint32_t cpu) noexcept override;
    int update_elem(const void *key, const void *value, uint64_t flags) noexcept override;
    int delete_elem(const void *key) noexcept override;
    int64_t for_each_elem(visitor visit, void *context) noexcept override;
    std::optional<value_place> locate(const void *place) const override;

protected:
    [[nodiscard]] const map_memory &memory() const noexcept { return memory_; }

    /// The element with this key; null if there is none. Takes no lock. `Shared`: other processes
    /// may write to the map.
    template <bool Shared>
    [[nodiscard]] element *find(const void *key, std::size_t key_size) const noexcept {
        const uint32_t bucket = hash_key(seed_, key, key_size) & bucket_mask_;
        element_patience patience = links().patience();
        for (;;) {
            uint64_t link = first_of(heads_[bucket]);
            while (Shared ? links().is_element(link) : element_links::is_own_element(link)) {
                element *const e = links().element_of(link);
                if (equals_key(e->key(), key, key_size)) return e;
                if (Shared and patience.is_over()) return nullptr;
                link = e->next.load(std::memory_order_acquire);
            }
            if (link == end_mark(bucket) or link == 0) return nullptr;
            if (Shared and patience.is_over()) return nullptr;
        }
    }
    /// Where a value of `e` is; of a per-CPU map, that of CPU `cpu`.
    [[nodiscard]] uint8_t *value_of(element *e) const noexcept {
        return reinterpret_cast<uint8_t *>(e) + layout_.value_offset;
    }
    template <bool Shared = true>
    [[nodiscard]] uint8_t *percpu_value_of(element *e, uint32_t cpu) const noexcept {
        uint64_t words = load_word(value_of(e));
        if (Shared and words > last_percpu_value_) words = 0;
        return percpu_values_ + words * sizeof(uint64_t) + cpu * layout_.cpu_stride;
    }
    template <bool Shared = true>
    [[nodiscard]] uint8_t *percpu_value_of(element *e) const noexcept {
        return percpu_value_of<Shared>(e, Shared ? cpus_.current() : current_cpu());
    }
    static void reference(element *e) noexcept {
        const uint32_t state = e->state.load(std::memory_order_relaxed);
        if ((state & element_referenced) == 0)
            e->state.store(state | element_referenced, std::memory_order_relaxed);
    }

private:
    [[nodiscard]] element *find(const void *key) const noexcept {
        return find<true>(key, definition().key_size);
    }
    [[nodiscard]] const element_links &links() const noexcept { return pool_.links(); }

    enum class cpus { current, all };

    int host_lookup(const void *key, void *value) noexcept override;
    int host_update(const void *key, const void *value, uint64_t flags) noexcept override;
    int host_lookup_and_delete(const void *key, void *value) noexcept override;
    int host_next_key(const void *key, void *next) const noexcept override;

    void offer_probe();
    [[nodiscard]] uint32_t hash_of(const void *key) const noexcept {
        return hash_key(seed_, key, definition().key_size);
    }
    /// In a chain that is locked, from there on.
    [[nodiscard]] element *find_from(uint64_t link, const void *key) const noexcept;
    int put(const void *key, const void *value, uint64_t flags, cpus scope) noexcept;
    void fill(element *e, uint32_t hash, const void *key, const void *value, cpus scope) noexcept;
    void fill_percpu(element *e, const void *value, cpus scope) noexcept;
    void write_percpu(element *e, const void *value, cpus scope) noexcept;
    void read_value(element *e, void *value) const noexcept;
    [[nodiscard]] int replace(locked_chain &chain, element *old, uint32_t hash, const void *key,
                              const void *value) noexcept;
    [[nodiscard]] element *take(locked_chain &chain) noexcept;
    [[nodiscard]] element *evict(locked_chain &held) noexcept;
    [[nodiscard]] bool evict_from_chain(element *e, locked_chain &held) noexcept;
    int remove(const void *key, void *value) noexcept;
    int read_key(uint64_t link, uint32_t bucket, void *key,
                 element_patience &patience) const noexcept;
    int first_key_of(uint32_t bucket, void *key, element_patience &patience) const noexcept;
    int first_key_from(uint64_t bucket, void *key) const noexcept;
    int next_in_chain(const void *key, void *next) const noexcept;
    int next_in_shared_chain(const void *key, void *next) const noexcept;

    /// What the memory begins with.
    struct control {
        uint64_t seed;
        std::atomic<uint32_t> untouched;
        std::atomic<uint32_t> hand;  ///< of the clock that finds what to evict
    };
    static_assert(sizeof(control) <= 64);
    static constexpr std::size_t stripes_at = 64;
    friend struct hash_layout;

    [[nodiscard]] control &state() const noexcept {
        return *reinterpret_cast<control *>(memory_.data());
    }
    [[nodiscard]] locked_chain lock(uint32_t bucket) const noexcept {
        return {heads_[bucket], bucket, links(), holder_};
    }

    const bool percpu_;
    const bool lru_;
    const std::size_t beside_;
    const hash_layout layout_;
    const map_memory memory_;
    const lock_holder &holder_;
    const cpu_slots cpus_;
    const uint64_t seed_;
    const uint32_t bucket_mask_;
    chain_head *const heads_;
    uint8_t *const percpu_values_;      ///< by CPU, then by element
    const uint64_t last_percpu_value_;  ///< of a CPU, in words from its first one
    element_pool pool_;
};

}  // namespace bpftime::vm::runtime
