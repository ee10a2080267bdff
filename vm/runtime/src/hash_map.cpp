// bpftime-vm: hash maps of every kind: plain, per CPU, and such that forget
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "hash_map.hpp"

#include "compat/map_probe.hpp"
#include "map_types.hpp"
#include "shared_bytes.hpp"
#include "value_layout.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <random>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

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

/// That of the memory, which is given one if it is new.
uint64_t seed_of(const map_memory &memory, const map_definition &d) {
    auto &seed = *reinterpret_cast<uint64_t *>(memory.data());
    if (memory.is_new()) seed = new_seed(d);
    return seed;
}

}  // namespace

hash_layout::hash_layout(const map_definition &d, std::size_t beside)
    : buckets{std::bit_ceil(d.max_entries)},
      value_offset{sizeof(element) + words_of(d.key_size) * 8 + beside},
      value_stride{round_up(d.value_size, 8)},
      element_bytes{value_offset + (is_percpu(d.type) ? sizeof(uint64_t) : value_stride)} {
    const std::size_t elements_in_all = element_pool::size_for(d.max_entries);
    cpu_stride = is_percpu(d.type) ? round_up(value_stride * elements_in_all, 64) : 0;
    heads = hash_map::stripes_at + sizeof(element_pool::stripe) * cpu_count();
    elements = round_up(heads + sizeof(chain_head) * buckets, 64);
    percpu_values = round_up(elements + element_bytes * elements_in_all, 64);
    bytes = percpu_values + cpu_stride * cpu_count();
}

std::size_t hash_layout::bytes_to_reserve() const noexcept {
    return percpu_values - elements < element_links::most_bytes
               ? bytes
               : std::numeric_limits<std::size_t>::max() / 2;
}

hash_map::hash_map(const map_definition &d, map_memory memory, std::size_t beside)
    : map{d, host_value_bytes(d)},
      percpu_{is_percpu(d.type)},
      lru_{is_lru(d.type)},
      beside_{beside},
      layout_{d, beside},
      memory_{std::move(memory)},
      holder_{memory_.holder()},
      cpus_{memory_},
      seed_{seed_of(memory_, d)},
      bucket_mask_{layout_.buckets - 1},
      heads_{reinterpret_cast<chain_head *>(memory_.data() + layout_.heads)},
      percpu_values_{memory_.data() + layout_.percpu_values},
      last_percpu_value_{(layout_.cpu_stride - std::min(layout_.cpu_stride, layout_.value_stride)) /
                         sizeof(uint64_t)},
      pool_{memory_,
            memory_.data() + layout_.elements,
            d.max_entries,
            layout_.element_bytes,
            state().untouched,
            reinterpret_cast<element_pool::stripe *>(memory_.data() + stripes_at)} {
    if (memory_.is_new()) pool_.make_spares();
    share(memory_);
    if (memory_.file() == nullptr and not lru_) offer_probe();
}

/// What find() does, for native code.
void hash_map::offer_probe() {
    static_assert(element_links::unit == 4);
    set_probe({.by = ebpf_map_probe::kind::hash,
               .cpus = {.stride = layout_.cpu_stride, .cpu = percpu_ ? cpu_of_threads() : nullptr},
               .index = {},
               .hash = {.hash_init = hash_init(seed_, definition().key_size),
                        .hash_factor = hash_factor(seed_),
                        .heads = reinterpret_cast<uint64_t>(heads_),
                        .elements = reinterpret_cast<uint64_t>(links().before()),
                        .bucket_mask = bucket_mask_,
                        .head_shift = lock_holder::token_bits,
                        .next_offset = offsetof(element, next),
                        .key_offset = sizeof(element),
                        .value_offset = static_cast<uint32_t>(layout_.value_offset),
                        .percpu = reinterpret_cast<uint64_t>(percpu_values_)}});
}

/// Nothing of it is relied on: it tells damaged files from maps early.
bool hash_map::is_sound() const noexcept {
    const auto is_link = [this](uint64_t link) {
        const bool is_mark = (link & 1) != 0 and link <= end_mark(bucket_mask_);
        return link == 0 or is_mark or pool_.is_sound(link);
    };
    const auto is_element_sound = [&](uint32_t index) {
        element *const e = pool_.at(index);
        return is_link(e->next) and (not percpu_ or load_word(value_of(e)) <= last_percpu_value_);
    };
    if (not pool_.is_sound()) return false;
    for (uint64_t bucket = 0; bucket <= bucket_mask_; ++bucket) {
        if (not is_link(first_of(heads_[bucket]))) return false;
    }
    for (uint32_t i = 0; i < pool_.size(); ++i) {
        // Elements that nobody had yet are zeros.
        if (i >= state().untouched and i < pool_.count()) continue;
        if (not is_element_sound(i)) return false;
    }
    return true;
}

// --- values

void hash_map::write_percpu(element *e, const void *value, cpus scope) noexcept {
    if (scope == cpus::current) {
        store_value(layout(), percpu_value_of(e), value, definition().value_size);
        return;
    }
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        store_value(layout(), percpu_value_of(e, cpu),
                    static_cast<const uint8_t *>(value) + cpu * layout_.value_stride,
                    layout_.value_stride);
    }
}

void hash_map::fill_percpu(element *e, const void *value, cpus scope) noexcept {
    store_word(value_of(e), pool_.index_of(e) * layout_.value_stride / sizeof(uint64_t));
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        if (scope == cpus::current) clear_shared(percpu_value_of(e, cpu), layout_.value_stride);
        clear_fields(layout(), percpu_value_of(e, cpu));
    }
    write_percpu(e, value, scope);
}

void hash_map::fill(element *e, uint32_t hash, const void *key, const void *value,
                    cpus scope) noexcept {
    e->hash.store(hash, std::memory_order_relaxed);
    store_key(e->key(), key, definition().key_size);
    if (beside_ != 0) {
        const std::size_t behind = words_of(definition().key_size) * 8;
        store_shared(e->key() + behind, static_cast<const uint8_t *>(key) + behind, beside_);
    }
    if (percpu_) return fill_percpu(e, value, scope);
    forget_fields(value_of(e));
    store_value(layout(), value_of(e), value, definition().value_size);
    clear_fields(layout(), value_of(e));
}

void hash_map::read_value(element *e, void *value) const noexcept {
    if (not percpu_) return load_value(layout(), value, value_of(e), definition().value_size);
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        load_value(layout(), static_cast<uint8_t *>(value) + cpu * layout_.value_stride,
                   percpu_value_of(e, cpu), layout_.value_stride);
    }
}

// --- finding

element *hash_map::find_from(uint64_t link, const void *key) const noexcept {
    element_patience patience = links().patience();
    while (links().is_element(link)) {
        element *const e = links().element_of(link);
        if (equals_key(e->key(), key, definition().key_size)) return e;
        if (patience.is_over()) break;
        link = e->next.load(std::memory_order_relaxed);
    }
    return nullptr;
}

void *hash_map::lookup_percpu_elem(const void *key, uint32_t cpu) noexcept {
    if (not percpu_ or cpu >= cpu_count()) return nullptr;
    element *const e = find(key);
    if (e == nullptr) return nullptr;
    if (lru_) reference(e);
    return percpu_value_of(e, cpu);
}

int hash_map::host_lookup(const void *key, void *value) noexcept {
    element *const e = find(key);
    if (e == nullptr) return -ENOENT;
    read_value(e, value);
    return 0;
}

/// The key of an element from this link on: 0, or -ENOENT at the chain's end, or -EAGAIN at another
/// one's, where an element led that was used again, or -EUCLEAN where chains do not end. Elements
/// of other chains are passed by: their keys would not be found again.
int hash_map::read_key(uint64_t link, uint32_t bucket, void *key,
                       element_patience &patience) const noexcept {
    while (links().is_element(link)) {
        element *const e = links().element_of(link);
        load_shared(key, e->key(), definition().key_size);
        if ((hash_of(key) & bucket_mask_) == bucket) return 0;
        if (patience.is_over()) return -EUCLEAN;
        link = e->next.load(std::memory_order_acquire);
    }
    if (link == end_mark(bucket) or link == 0) return -ENOENT;
    return patience.is_over() ? -EUCLEAN : -EAGAIN;
}

/// The same from the chain's beginning, which is never -EAGAIN.
int hash_map::first_key_of(uint32_t bucket, void *key, element_patience &patience) const noexcept {
    if (memory_.file() != nullptr) {
        // Under its lock a chain that ends as another one is not changed, but damaged.
        const locked_chain chain = lock(bucket);
        const int found = read_key(chain.first(), bucket, key, patience);
        return found == -EAGAIN ? -ENOENT : found;
    }
    int found = -EAGAIN;
    while (found == -EAGAIN) found = read_key(first_of(heads_[bucket]), bucket, key, patience);
    return found;
}

int hash_map::first_key_from(uint64_t bucket, void *key) const noexcept {
    element_patience patience = links().patience();
    for (; bucket <= bucket_mask_; ++bucket) {
        if (not links().is_element(first_of(heads_[bucket]))) continue;
        const int found = first_key_of(static_cast<uint32_t>(bucket), key, patience);
        if (found != -ENOENT) return found;
    }
    return -ENOENT;
}

/// The key behind `key` in its chain, where other processes may have made a ring of that, or put a
/// key into it twice: then following keys would not end. -ENOENT: it is the last one; -ESRCH: it is
/// not there.
int hash_map::next_in_shared_chain(const void *key, void *next) const noexcept {
    const std::size_t size = definition().key_size;
    const uint32_t bucket = hash_of(key) & bucket_mask_;
    const locked_chain chain = lock(bucket);
    element_patience patience = links().patience();
    const auto follow = [&](uint64_t &link) {
        link = links().element_of(link)->next.load(std::memory_order_relaxed);
        return links().is_element(link) and not patience.is_over();
    };
    const auto has = [&](uint64_t link, const void *wanted) {
        return equals_key(links().element_of(link)->key(), wanted, size);
    };
    uint64_t link = chain.first();
    if (not links().is_element(link)) return -ESRCH;
    while (not has(link, key)) {
        if (not follow(link)) return -ESRCH;
    }
    do {
        if (not follow(link)) return links().is_element(link) ? -EUCLEAN : -ENOENT;
        load_shared(next, links().element_of(link)->key(), size);
    } while ((hash_of(next) & bucket_mask_) != bucket);
    for (link = chain.first(); not has(link, next);) {
        if (has(link, key)) return 0;
        if (not follow(link)) break;
    }
    return -EUCLEAN;
}

int hash_map::next_in_chain(const void *key, void *next) const noexcept {
    if (memory_.file() != nullptr) return next_in_shared_chain(key, next);
    const uint32_t bucket = hash_of(key) & bucket_mask_;
    for (element_patience patience = links().patience();;) {
        element *const e = find(key);
        if (e == nullptr) return -ESRCH;
        const uint64_t behind = e->next.load(std::memory_order_acquire);
        const int found = read_key(behind, bucket, next, patience);
        if (found != -EAGAIN) return found;
    }
}

int hash_map::host_next_key(const void *key, void *next) const noexcept {
    const int found = key == nullptr ? -ESRCH : next_in_chain(key, next);
    if (found == -ESRCH) return first_key_from(0, next);
    if (found != -ENOENT) return found;
    return first_key_from(uint64_t{hash_of(key) & bucket_mask_} + 1, next);
}

int64_t hash_map::for_each_elem(visitor visit, void *context) noexcept {
    int64_t visits = 0;
    element_patience patience = links().patience();
    for (uint64_t bucket = 0; bucket <= bucket_mask_; ++bucket) {
        for (uint64_t link = first_of(heads_[bucket]); links().is_element(link);) {
            if (patience.is_over()) return visits;
            element *const e = links().element_of(link);
            // The visitor may delete the element.
            link = e->next.load(std::memory_order_acquire);
            ++visits;
            void *const value = percpu_ ? percpu_value_of(e) : value_of(e);
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
    if (element *const there = locks ? find(key) : nullptr) {
        // Who holds a value's lock may wait for a chain, so nobody waits the other way round.
        return how == update_noexist ? -EEXIST : update_locked(value_of(there), value);
    }
    locked_chain chain = lock(bucket);
    element *const old = find_from(chain.first(), key);
    if (old != nullptr and how == update_noexist) return -EEXIST;
    if (old == nullptr and how == update_exist) return -ENOENT;
    if (old != nullptr) {
        if (not percpu_) return replace(chain, old, hash, key, value);
        write_percpu(old, value, scope);
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
int hash_map::replace(locked_chain &chain, element *old, uint32_t hash, const void *key,
                      const void *value) noexcept {
    const bool replaced = pool_.with_spare([&](element *fresh) {
        fill(fresh, hash, key, value, cpus::current);
        if (memory_.file() == nullptr) {
            // First in the chain, as in the kernel: a reader that still looks at what this element
            // was before must not miss what lies in front of the old one.
            chain.insert(fresh);
            chain.unlink(old);
        } else if (not chain.replace(old, fresh)) {
            // In one step, as a process that dies must not leave two. It is not where it was if
            // another process moved it.
            chain.insert(fresh);
        }
        fresh->state.store(element_used | element_referenced, std::memory_order_relaxed);
        old->state.store(0, std::memory_order_relaxed);
        forget_fields(value_of(old));
        return old;
    });
    return replaced ? 0 : -ENOMEM;
}

int hash_map::remove(const void *key, void *value) noexcept {
    const uint32_t bucket = hash_of(key) & bucket_mask_;
    element *e = nullptr;
    {
        locked_chain chain = lock(bucket);
        e = find_from(chain.first(), key);
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
        element *const e =
            pool_.at(state().hand.fetch_add(1, std::memory_order_relaxed) % pool_.size());
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
    locked_chain chain{heads_[bucket], bucket, links(), holder_, locked_chain::if_free{}};
    return chain.owns() and unlink(chain);
}

// --- the lookup of programs, for each size of keys and kind of map

namespace {

constexpr uint32_t any_size = 0;

template <uint32_t KeySize, bool Percpu, bool Lru, bool Shared>
class hash_map_of final : public hash_map {
public:
    using hash_map::hash_map;

    void *lookup_elem(const void *key) noexcept override {
        element *const e = find<Shared>(key, KeySize == any_size ? definition().key_size : KeySize);
        if (e == nullptr) return nullptr;
        if constexpr (Lru) reference(e);
        if constexpr (Percpu) return percpu_value_of<Shared>(e);
        return value_of(e);
    }
};

template <uint32_t KeySize, bool Percpu, bool Lru>
map_ptr make(const map_definition &d, map_memory memory) {
    if (memory.file() != nullptr)
        return std::make_shared<hash_map_of<KeySize, Percpu, Lru, true>>(d, std::move(memory));
    return std::make_shared<hash_map_of<KeySize, Percpu, Lru, false>>(d, std::move(memory));
}

template <uint32_t KeySize>
map_ptr make_kind(const map_definition &d, map_memory memory) {
    if (is_percpu(d.type)) {
        return is_lru(d.type) ? make<KeySize, true, true>(d, std::move(memory))
                              : make<KeySize, true, false>(d, std::move(memory));
    }
    return is_lru(d.type) ? make<KeySize, false, true>(d, std::move(memory))
                          : make<KeySize, false, false>(d, std::move(memory));
}

}  // namespace

std::size_t bytes_of_hash(const map_definition &d) { return hash_layout{d}.bytes_to_reserve(); }

map_ptr make_hash(const map_definition &d, map_memory memory) {
    switch (d.key_size) {
    case 4: return make_kind<4>(d, std::move(memory));
    case 8: return make_kind<8>(d, std::move(memory));
    case 16: return make_kind<16>(d, std::move(memory));
    default: return make_kind<any_size>(d, std::move(memory));
    }
}

}  // namespace bpftime::vm::runtime
