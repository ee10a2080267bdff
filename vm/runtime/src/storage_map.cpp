// bpftime-vm: maps of local storage: values that go when what they belong to goes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "storage_map.hpp"

#include "map_types.hpp"
#include "runtime/read_section.hpp"
#include "shared_bytes.hpp"
#include "value_layout.hpp"

#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <shared_mutex>
#include <unordered_set>
#include <utility>

namespace bpftime::vm::runtime {

struct storage_map::value_chain {
    std::unique_ptr<uint64_t[]> words;
    std::unique_ptr<value_chain> next;
};

namespace {

// --- owners

/// Of words that are no addresses: no machine has addresses between the two halves of its space.
constexpr uint64_t word_of_first = uint64_t{0xebfd} << 48;

struct word_key {
    owner_kind kind;
    uint64_t word;
    friend bool operator==(const word_key &, const word_key &) = default;
};
struct word_hash {
    std::size_t operator()(const word_key &k) const noexcept {
        return std::hash<uint64_t>{}(k.word ^ static_cast<uint64_t>(k.kind) << 56);
    }
};

struct owner_table {
    std::shared_mutex lock;
    std::unordered_map<word_key, std::shared_ptr<owner_record>, word_hash> by_word;
    std::unordered_map<uint32_t, std::shared_ptr<owner_record>> by_number;
    uint32_t last_number = 0;
};

struct map_table {
    std::mutex lock;
    std::unordered_set<storage_map *> maps;
};

/// Never destroyed: threads may end after static objects.
owner_table &owners() {
    static auto &table = *new owner_table;
    return table;
}
map_table &storage_maps() {
    static auto &table = *new map_table;
    return table;
}

std::shared_ptr<owner_record> add_owner(owner_kind kind, uint64_t word) {
    owner_table &all = owners();
    const std::unique_lock guard{all.lock};
    do {
        ++all.last_number;
    } while (all.last_number == 0 or all.by_number.contains(all.last_number));
    const uint32_t number = all.last_number;
    auto made = std::make_shared<owner_record>(kind, word != 0 ? word : word_of_first | number);
    made->number = number;
    const auto numbered = all.by_number.emplace(number, made).first;
    try {
        all.by_word.insert_or_assign({kind, made->word}, made);
    } catch (...) {
        all.by_number.erase(numbered);
        throw;
    }
    return made;
}

void remove_owner(const owner_record &gone) noexcept {
    owner_table &all = owners();
    const std::unique_lock guard{all.lock};
    const auto named = all.by_word.find({gone.kind, gone.word});
    if (named != all.by_word.end() and named->second.get() == &gone) all.by_word.erase(named);
    all.by_number.erase(gone.number);
}

/// Takes its values out of all maps.
void remove_values(const owner_record &gone) noexcept {
    std::unique_ptr<storage_map::value_chain> values;
    {
        map_table &all = storage_maps();
        const std::lock_guard guard{all.lock};
        for (storage_map *const m : all.maps) m->forget(gone, values);
    }
    retire(std::move(values));
}

std::optional<owner_kind> kind_of(map_type type) noexcept {
    switch (type) {
    case map_type::task_storage: return owner_kind::task;
    case map_type::inode_storage: return owner_kind::inode;
    case map_type::sk_storage: return owner_kind::socket;
    case map_type::cgrp_storage: return owner_kind::cgroup;
    default: return {};
    }
}

}  // namespace

storage_owner::storage_owner(owner_kind kind) : record_{add_owner(kind, 0)} {}
storage_owner::storage_owner(owner_kind kind, const void *shown)
    : record_{add_owner(kind, reinterpret_cast<uint64_t>(shown))} {}

storage_owner::~storage_owner() {
    remove_owner(*record_);
    // Who has found it and adds a value either sees this, or is seen below.
    record_->is_gone.store(true, std::memory_order_seq_cst);
    remove_values(*record_);
}

const storage_owner &storage_owner::current_task() {
    static thread_local const storage_owner task{owner_kind::task};
    return task;
}

owner_kind storage_owner::kind() const noexcept { return record_->kind; }
uint64_t storage_owner::word() const noexcept { return record_->word; }
uint32_t storage_owner::number() const noexcept { return record_->number; }

std::shared_ptr<owner_record> find_owner(owner_kind kind, uint64_t word) noexcept {
    owner_table &all = owners();
    const std::shared_lock guard{all.lock};
    const auto at = all.by_word.find({kind, word});
    return at == all.by_word.end() ? nullptr : at->second;
}

std::shared_ptr<owner_record> find_owner(uint32_t number) noexcept {
    owner_table &all = owners();
    const std::shared_lock guard{all.lock};
    const auto at = all.by_number.find(number);
    return at == all.by_number.end() ? nullptr : at->second;
}

// --- the map

storage_map::storage_map(const map_definition &d) : map{d}, kind_{kind_of(d.type).value()} {
    map_table &all = storage_maps();
    const std::lock_guard guard{all.lock};
    all.maps.insert(this);
}

storage_map::~storage_map() {
    map_table &all = storage_maps();
    const std::lock_guard guard{all.lock};
    all.maps.erase(this);
}

storage_map::value_ptr storage_map::make_value(const void *initial) const {
    auto made = std::make_unique<value_chain>();
    const uint32_t size = definition().value_size;
    made->words = std::make_unique<uint64_t[]>(round_up(size, 8) / 8);
    if (initial != nullptr) store_value(layout(), made->words.get(), initial, size);
    return made;
}

void *storage_map::find_in(const shard &s, const owner_record &owner) noexcept {
    const auto at = s.values.find(owner.number);
    return at == s.values.end() ? nullptr : at->second->words.get();
}

void *storage_map::find(const owner_record &owner) noexcept {
    read_until_run_ends();
    shard &s = shard_of(owner);
    const std::lock_guard guard{s.lock};
    return find_in(s, owner);
}

void *storage_map::find_or_add(const owner_record &owner, const void *initial) noexcept {
    read_until_run_ends();
    shard &s = shard_of(owner);
    try {
        const std::lock_guard guard{s.lock};
        if (void *const there = find_in(s, owner)) return there;
        if (owner.is_gone.load(std::memory_order_seq_cst)) return nullptr;
        value_ptr fresh = make_value(initial);
        void *const value = fresh->words.get();
        s.values.emplace(owner.number, std::move(fresh));
        return value;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

int storage_map::remove(const owner_record &owner) noexcept {
    value_ptr old;
    forget(owner, old);
    const bool was_there = old != nullptr;
    retire(std::move(old));
    return was_there ? 0 : -ENOENT;
}

void storage_map::forget(const owner_record &owner, value_ptr &others) noexcept {
    shard &s = shard_of(owner);
    const std::lock_guard guard{s.lock};
    auto node = s.values.extract(owner.number);
    if (node.empty()) return;
    node.mapped()->next = std::move(others);
    others = std::move(node.mapped());
}

int storage_map::put(const owner_record &owner, const void *value, uint64_t flags) {
    const uint64_t how = flags & ~uint64_t{update_lock};
    if (how > update_exist) return -EINVAL;
    value_ptr fresh = make_value(value);
    shard &s = shard_of(owner);
    std::unique_lock guard{s.lock};
    void *const there = find_in(s, owner);
    if (there != nullptr and how == update_noexist) return -EEXIST;
    if (there == nullptr and how == update_exist) return -ENOENT;
    if (there != nullptr and (flags & update_lock) != 0) {
        // Who holds a value's lock may wait for other values, so nobody waits the other way round.
        guard.unlock();
        return update_locked(there, value);
    }
    if (owner.is_gone.load(std::memory_order_seq_cst)) return -ENOENT;
    s.values[owner.number].swap(fresh);
    guard.unlock();
    retire(std::move(fresh));
    return 0;
}

// --- for the host: keys are numbers of owners

std::shared_ptr<owner_record> storage_map::owner_at(const void *key) const noexcept {
    uint32_t number = 0;
    std::memcpy(&number, key, sizeof number);
    auto found = find_owner(number);
    return found != nullptr and found->kind == kind_ ? found : nullptr;
}

/// As for file descriptors that are none of the kind.
int storage_map::missing_owner(const void *key) const noexcept {
    uint32_t number = 0;
    std::memcpy(&number, key, sizeof number);
    return kind_ == owner_kind::socket and find_owner(number) != nullptr ? -ENOTSOCK : -EBADF;
}

void *storage_map::host_find(const void *key) noexcept {
    const auto owner = owner_at(key);
    return owner == nullptr ? nullptr : find(*owner);
}

int storage_map::host_lookup(const void *key, void *value) noexcept {
    return owner_at(key) == nullptr ? missing_owner(key) : map::host_lookup(key, value);
}

int storage_map::host_update(const void *key, const void *value, uint64_t flags) noexcept {
    const auto owner = owner_at(key);
    if (owner == nullptr) return missing_owner(key);
    try {
        return put(*owner, value, flags);
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    }
}

int storage_map::host_delete(const void *key) noexcept {
    const auto owner = owner_at(key);
    return owner == nullptr ? missing_owner(key) : remove(*owner);
}

int storage_map::host_next_key(const void * /*key*/, void * /*next*/) const noexcept {
    return -not_supported;
}

storage_map *as_storage_map(map *m) noexcept {
    return m != nullptr and kind_of(m->definition().type) ? static_cast<storage_map *>(m) : nullptr;
}

map_ptr make_storage(const map_definition &d) { return std::make_shared<storage_map>(d); }

}  // namespace bpftime::vm::runtime
