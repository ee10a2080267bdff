// bpftime-vm: maps of values for each control group that a program is attached to
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "cgroup_storage.hpp"

#include "map_types.hpp"
#include "runtime/cpu.hpp"
#include "runtime/read_section.hpp"
#include "shared_bytes.hpp"
#include "value_layout.hpp"

#include <linux/bpf.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace bpftime::vm::runtime {

namespace {

std::size_t host_value_bytes(const map_definition &d) {
    return d.type == map_type::percpu_cgroup_storage ? round_up(d.value_size, 8) * cpu_count()
                                                     : d.value_size;
}

}  // namespace

cgroup_storage::cgroup_storage(const map_definition &d)
    : map{d, host_value_bytes(d)},
      is_percpu_{d.type == map_type::percpu_cgroup_storage},
      stride_{round_up(d.value_size, 8)} {}

std::size_t cgroup_storage::value_words() const noexcept {
    return stride_ / 8 * (is_percpu_ ? cpu_count() : 1);
}

void *cgroup_storage::find_or_add(const cgroup_site &site) noexcept {
    read_until_run_ends();
    const group_key key{site.group, has_attach_type() ? site.attach_type : 0};
    try {
        const std::lock_guard guard{lock_};
        words &value = values_[key];
        if (value == nullptr) value = std::make_unique<uint64_t[]>(value_words());
        return value.get() + (is_percpu_ ? current_cpu() * (stride_ / 8) : 0);
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

// --- for the host

bool cgroup_storage::has_attach_type() const noexcept {
    return definition().key_size == sizeof(bpf_cgroup_storage_key);
}

cgroup_storage::group_key cgroup_storage::read_key(const void *key) const noexcept {
    bpf_cgroup_storage_key from{};
    std::memcpy(&from, key, definition().key_size);
    return {from.cgroup_inode_id, has_attach_type() ? from.attach_type : 0};
}

void cgroup_storage::write_key(const group_key &from, void *key) const noexcept {
    bpf_cgroup_storage_key to{};
    to.cgroup_inode_id = from.first;
    to.attach_type = from.second;
    std::memcpy(key, &to, definition().key_size);
}

void *cgroup_storage::host_find(const void *key) noexcept {
    const std::lock_guard guard{lock_};
    const auto at = values_.find(read_key(key));
    return at == values_.end() ? nullptr : at->second.get();
}

int cgroup_storage::host_lookup(const void *key, void *value) noexcept {
    if (not is_percpu_) return map::host_lookup(key, value);
    const void *const found = host_find(key);
    if (found == nullptr) return -ENOENT;
    load_shared(value, found, host_value_size());
    return 0;
}

int cgroup_storage::replace(words &value, const void *from) {
    words fresh = std::make_unique<uint64_t[]>(value_words());
    store_value(layout(), fresh.get(), from, definition().value_size);
    value.swap(fresh);
    retire(fresh.release(), [](void *old, void *) { delete[] static_cast<uint64_t *>(old); });
    return 0;
}

int cgroup_storage::host_update(const void *key, const void *from, uint64_t flags) noexcept {
    const bool locks = not is_percpu_ and (flags & update_lock) != 0;
    const uint64_t how = locks ? flags & ~uint64_t{update_lock} : flags;
    if (how != update_any and how != update_exist) return -EINVAL;
    void *const there = host_find(key);
    if (there == nullptr) return -ENOENT;
    if (locks) return update_locked(there, from);
    if (is_percpu_) {
        store_shared(there, from, host_value_size());
        return 0;
    }
    try {
        const std::lock_guard guard{lock_};
        return replace(values_[read_key(key)], from);
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    }
}

int cgroup_storage::host_next_key(const void *key, void *next) const noexcept {
    const std::lock_guard guard{lock_};
    auto at = values_.begin();
    if (key != nullptr) {
        at = values_.find(read_key(key));
        if (at != values_.end()) ++at;
    }
    if (at == values_.end()) return -ENOENT;
    write_key(at->first, next);
    return 0;
}

cgroup_storage *as_cgroup_storage(map *m) noexcept {
    if (m == nullptr) return nullptr;
    const map_type type = m->definition().type;
    return type == map_type::cgroup_storage or type == map_type::percpu_cgroup_storage
               ? static_cast<cgroup_storage *>(m)
               : nullptr;
}

map_ptr make_cgroup_storage(const map_definition &d) { return std::make_shared<cgroup_storage>(d); }

}  // namespace bpftime::vm::runtime
