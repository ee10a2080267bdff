// bpftime-vm: hash maps of every kind: plain, per CPU, and such that forget
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "hash_map.hpp"

#include "map_types.hpp"
#include "shared_bytes.hpp"
#include "value_layout.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <random>

namespace bpftime::vm::runtime {

namespace {

bool is_percpu(map_type type) noexcept {
    return type == map_type::percpu_hash or type == map_type::lru_percpu_hash;
}

bool is_lru(map_type type) noexcept {
    return type == map_type::lru_hash or type == map_type::lru_percpu_hash;
}

uint64_t new_seed(const map_definition &d) {
    if ((d.flags & map_zero_seed) != 0) return 0;
    std::random_device random;
    return uint64_t{random()} << 32 | random();
}

std::size_t host_value_bytes(const map_definition &d) {
    return is_percpu(d.type) ? round_up(d.value_size, 8) * cpu_count() : d.value_size;
}

}  // namespace

hash_map::hash_map(const map_definition &d)
    : map{d, host_value_bytes(d)},
      percpu_{is_percpu(d.type)},
      lru_{is_lru(d.type)},
      seed_{new_seed(d)},
      bucket_mask_{std::bit_ceil(d.max_entries) - 1},
      value_offset_{sizeof(element) + words_of(d.key_size) * 8},
      value_stride_{round_up(d.value_size, 8)},
      buckets_{(std::size_t{bucket_mask_} + 1) * sizeof(chain_head)},
      pool_{d.max_entries, value_offset_ + (percpu_ ? sizeof(uint64_t) : value_stride_)},
      cpu_stride_{round_up(pool_.size(), 8) * value_stride_},
      percpu_values_{percpu_ ? cpu_stride_ * cpu_count() : 0} {}

bool hash_map::has_memory() const noexcept {
    return buckets_ and pool_.has_memory() and (percpu_values_ or not percpu_);
}

// --- values

void hash_map::write_percpu(element *e, const void *value, cpus scope) noexcept {
    if (scope == cpus::current) {
        store_value(layout(), percpu_value_of(e, current_cpu()), value, definition().value_size);
        return;
    }
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        store_value(layout(), percpu_value_of(e, cpu),
                    static_cast<const uint8_t *>(value) + cpu * value_stride_, value_stride_);
    }
}

void hash_map::fill_percpu(element *e, const void *value, cpus scope) noexcept {
    store_word(value_of(e), reinterpret_cast<uint64_t>(percpu_values_.data() +
                                                       pool_.index_of(e) * value_stride_));
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        if (scope == cpus::current) clear_shared(percpu_value_of(e, cpu), value_stride_);
        clear_fields(layout(), percpu_value_of(e, cpu));
    }
    write_percpu(e, value, scope);
}

void hash_map::fill(element *e, uint32_t hash, const void *key, const void *value,
                    cpus scope) noexcept {
    e->hash.store(hash, std::memory_order_relaxed);
    store_key(e->key(), key, definition().key_size);
    if (percpu_) return fill_percpu(e, value, scope);
    forget_fields(value_of(e));
    store_value(layout(), value_of(e), value, definition().value_size);
    clear_fields(layout(), value_of(e));
}

void hash_map::read_value(element *e, void *value) const noexcept {
    if (not percpu_) return load_value(layout(), value, value_of(e), definition().value_size);
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        load_value(layout(), static_cast<uint8_t *>(value) + cpu * value_stride_,
                   percpu_value_of(e, cpu), value_stride_);
    }
}

// --- finding

element *hash_map::find_in(const locked_chain &chain, const void *key) const noexcept {
    for (uintptr_t link = chain.first(); is_element(link);
         link = element_of(link)->next.load(std::memory_order_relaxed)) {
        if (equals_key(element_of(link)->key(), key, definition().key_size))
            return element_of(link);
    }
    return nullptr;
}

void *hash_map::lookup_percpu_elem(const void *key, uint32_t cpu) noexcept {
    if (not percpu_ or cpu >= cpu_count()) return nullptr;
    element *const e = find(key, definition().key_size);
    if (e == nullptr) return nullptr;
    if (lru_) reference(e);
    return percpu_value_of(e, cpu);
}

int hash_map::host_lookup(const void *key, void *value) noexcept {
    element *const e = find(key, definition().key_size);
    if (e == nullptr) return -ENOENT;
    read_value(e, value);
    return 0;
}

int hash_map::first_key_from(uint64_t bucket, void *key) const noexcept {
    for (; bucket <= bucket_mask_; ++bucket) {
        const uintptr_t link = first_of(heads()[bucket]);
        if (not is_element(link)) continue;
        load_shared(key, element_of(link)->key(), definition().key_size);
        return 0;
    }
    return -ENOENT;
}

int hash_map::host_next_key(const void *key, void *next) const noexcept {
    element *const e = key == nullptr ? nullptr : find(key, definition().key_size);
    if (e == nullptr) return first_key_from(0, next);
    const uint32_t bucket = hash_of(key) & bucket_mask_;
    const uintptr_t link = e->next.load(std::memory_order_acquire);
    if (not is_element(link)) return first_key_from(uint64_t{bucket} + 1, next);
    load_shared(next, element_of(link)->key(), definition().key_size);
    return 0;
}

int64_t hash_map::for_each_elem(visitor visit, void *context) noexcept {
    int64_t visits = 0;
    for (uint64_t bucket = 0; bucket <= bucket_mask_; ++bucket) {
        for (uintptr_t link = first_of(heads()[bucket]); is_element(link);) {
            element *const e = element_of(link);
            // The visitor may delete the element.
            link = e->next.load(std::memory_order_acquire);
            ++visits;
            void *const value = percpu_ ? percpu_value_of(e, current_cpu()) : value_of(e);
            if (visit(context, e->key(), value)) return visits;
        }
    }
    return visits;
}

std::optional<value_place> hash_map::locate(const void *place) const {
    element *const e = percpu_ ? nullptr : pool_.find(place);
    if (e == nullptr or (e->state.load(std::memory_order_relaxed) & element_used) == 0) return {};
    uint8_t *const value = value_of(e);
    const uint64_t offset = reinterpret_cast<uint64_t>(place) - reinterpret_cast<uint64_t>(value);
    if (offset >= definition().value_size) return {};
    value_place found{.value = value, .key = std::vector<uint8_t>(definition().key_size)};
    load_shared(found.key.data(), e->key(), found.key.size());
    return found;
}

// --- changing

int hash_map::update_elem(const void *key, const void *value, uint64_t flags) noexcept {
    return put(key, value, flags, cpus::current);
}

int hash_map::host_update(const void *key, const void *value, uint64_t flags) noexcept {
    return put(key, value, flags, cpus::all);
}

int hash_map::put(const void *key, const void *value, uint64_t flags, cpus scope) noexcept {
    const bool locks = (flags & update_lock) != 0 and not percpu_ and not lru_;
    const uint64_t how = locks ? flags & ~uint64_t{update_lock} : flags;
    if (how > update_exist or (locks and not has_locks())) return -EINVAL;
    const uint32_t hash = hash_of(key);
    const uint32_t bucket = hash & bucket_mask_;
    if (element *const there = locks ? find(key, definition().key_size) : nullptr) {
        // Who holds a value's lock may wait for a chain, so nobody waits the other way round.
        return how == update_noexist ? -EEXIST : update_locked(value_of(there), value);
    }
    locked_chain chain{heads()[bucket], bucket};
    element *const old = find_in(chain, key);
    if (old != nullptr and how == update_noexist) return -EEXIST;
    if (old == nullptr and how == update_exist) return -ENOENT;
    if (old != nullptr) {
        if (percpu_)
            write_percpu(old, value, scope);
        else
            replace(chain, old, hash, key, value);
        return 0;
    }
    element *const e = take(chain);
    if (e == nullptr) return lru_ ? -ENOMEM : -E2BIG;
    fill(e, hash, key, value, scope);
    chain.insert(e);
    e->state.store(element_used, std::memory_order_relaxed);
    return 0;
}

/// Another element takes the place: who looks at the old value keeps it until that is used again.
void hash_map::replace(locked_chain &chain, element *old, uint32_t hash, const void *key,
                       const void *value) noexcept {
    pool_.with_spare([&](element *fresh) {
        fill(fresh, hash, key, value, cpus::current);
        chain.insert(fresh);
        fresh->state.store(element_used | element_referenced, std::memory_order_relaxed);
        chain.unlink(old);
        old->state.store(0, std::memory_order_relaxed);
        forget_fields(value_of(old));
        return old;
    });
}

int hash_map::remove(const void *key, void *value) noexcept {
    const uint32_t bucket = hash_of(key) & bucket_mask_;
    element *e = nullptr;
    {
        locked_chain chain{heads()[bucket], bucket};
        e = find_in(chain, key);
        if (e == nullptr) return -ENOENT;
        if (value != nullptr) read_value(e, value);
        chain.unlink(e);
        e->state.store(0, std::memory_order_relaxed);
    }
    forget_fields(value_of(e));
    pool_.give(e);
    return 0;
}

int hash_map::delete_elem(const void *key) noexcept { return remove(key, nullptr); }

int hash_map::host_lookup_and_delete(const void *key, void *value) noexcept {
    return remove(key, value);
}

// --- forgetting

element *hash_map::take(locked_chain &chain) noexcept {
    element *const e = pool_.take();
    return e != nullptr or not lru_ ? e : evict(chain);
}

/// A clock: its hand goes around all elements, spares those that were looked up since it last came
/// by, and takes the first other one.
element *hash_map::evict(locked_chain &held) noexcept {
    constexpr uint32_t most_second_chances = 256;
    const uint64_t most_steps = uint64_t{4} * pool_.size() + most_second_chances;
    uint32_t chances = 0;
    for (uint64_t step = 0; step < most_steps; ++step) {
        element *const e = pool_.at(hand_.fetch_add(1, std::memory_order_relaxed) % pool_.size());
        const uint32_t state = e->state.load(std::memory_order_relaxed);
        if ((state & element_used) == 0) continue;
        if ((state & element_referenced) != 0 and ++chances <= most_second_chances) {
            e->state.store(element_used, std::memory_order_relaxed);
            continue;
        }
        if (evict_from_chain(e, held)) return e;
    }
    return nullptr;
}

/// False if the element's chain is locked by another thread, or the element is in none.
bool hash_map::evict_from_chain(element *e, locked_chain &held) noexcept {
    const uint32_t bucket = e->hash.load(std::memory_order_relaxed) & bucket_mask_;
    const auto unlink = [e](locked_chain &chain) {
        if (not chain.unlink(e)) return false;
        e->state.store(0, std::memory_order_relaxed);
        return true;
    };
    if (bucket == held.bucket()) return unlink(held);
    locked_chain chain{heads()[bucket], bucket, locked_chain::if_free{}};
    return chain.owns() and unlink(chain);
}

// --- the lookup of programs, for each size of keys and kind of map

namespace {

constexpr uint32_t any_size = 0;

template <uint32_t KeySize, bool Percpu, bool Lru>
class hash_map_of final : public hash_map {
public:
    using hash_map::hash_map;

    void *lookup_elem(const void *key) noexcept override {
        element *const e = find(key, KeySize == any_size ? definition().key_size : KeySize);
        if (e == nullptr) return nullptr;
        if constexpr (Lru) reference(e);
        if constexpr (Percpu) return percpu_value_of(e, current_cpu());
        return value_of(e);
    }
};

template <uint32_t KeySize, bool Percpu, bool Lru>
map_ptr make(const map_definition &d) {
    auto made = std::make_shared<hash_map_of<KeySize, Percpu, Lru>>(d);
    return made->has_memory() ? made : nullptr;
}

template <uint32_t KeySize>
map_ptr make_kind(const map_definition &d) {
    if (is_percpu(d.type))
        return is_lru(d.type) ? make<KeySize, true, true>(d) : make<KeySize, true, false>(d);
    return is_lru(d.type) ? make<KeySize, false, true>(d) : make<KeySize, false, false>(d);
}

}  // namespace

map_ptr make_hash(const map_definition &d) {
    switch (d.key_size) {
    case 4: return make_kind<4>(d);
    case 8: return make_kind<8>(d);
    case 16: return make_kind<16>(d);
    default: return make_kind<any_size>(d);
    }
}

}  // namespace bpftime::vm::runtime
