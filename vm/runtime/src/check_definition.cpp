// bpftime-vm: what the kernel demands of a map before it makes one
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "check_definition.hpp"

#include "runtime/cpu.hpp"
#include "runtime/map.hpp"
#include "shared_bytes.hpp"

#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cerrno>
#include <climits>
#include <string>

namespace bpftime::vm::runtime {

namespace {

constexpr uint32_t any_size = ~uint32_t{0};
constexpr uint32_t host_access = map_rdonly | map_wronly;
constexpr uint32_t program_access = map_rdonly_prog | map_wronly_prog;
constexpr uint32_t all_access = host_access | program_access;
constexpr uint32_t array_flags =
    map_numa_node | map_mmapable | all_access | map_preserve_elems | map_inner_map;
constexpr uint32_t hash_flags =
    map_no_prealloc | map_no_common_lru | map_numa_node | all_access | map_zero_seed;
constexpr uint32_t device_flags = map_numa_node | host_access;
constexpr uint32_t cgroup_flags = map_numa_node | all_access;
constexpr uint32_t storage_flags = map_no_prealloc | map_clone;
constexpr uint32_t socket_flags = map_numa_node | host_access;

/// What an element of a hash costs the kernel besides key and value.
constexpr uint64_t hash_element_bytes = 48;
constexpr uint32_t most_buckets = uint32_t{1} << 27;
constexpr uint64_t most_percpu_bytes = 32 << 10;
/// Such a size has 16 bits, and counts what the kernel keeps beside a value, too.
constexpr uint32_t most_storage_bytes = 65535 - 128;
constexpr uint32_t most_bloom_hashes = 15;
constexpr uint32_t most_socket_buckets = uint32_t{1} << 27;
constexpr uint32_t most_cpus = 8192;
constexpr uint32_t most_stack_depth = 127;

// --- what single types ask for besides the sizes and flags of their rows

bool has(const map_definition &d, uint32_t flags) noexcept { return (d.flags & flags) != 0; }

int check_percpu_size(const map_definition &d) noexcept {
    return round_up(d.value_size, 8) > most_percpu_bytes ? -E2BIG : 0;
}

int check_array(const map_definition &d) noexcept {
    if (d.type != map_type::array and has(d, map_mmapable | map_inner_map)) return -EINVAL;
    if (d.type != map_type::perf_event_array and has(d, map_preserve_elems)) return -EINVAL;
    return d.value_size > INT_MAX ? -E2BIG : 0;
}

int check_percpu_array(const map_definition &d) noexcept {
    if (has(d, map_numa_node)) return -EINVAL;
    if (const int failed = check_array(d)) return failed;
    return check_percpu_size(d);
}

int check_object_array(const map_definition &d) noexcept {
    return has(d, program_access) ? -EINVAL : check_array(d);
}

int check_hash_size(const map_definition &d) noexcept {
    if (uint64_t{d.key_size} + d.value_size >= most_object_bytes - hash_element_bytes)
        return -E2BIG;
    const bool percpu = d.type == map_type::percpu_hash or d.type == map_type::lru_percpu_hash;
    if (percpu and check_percpu_size(d) != 0) return -E2BIG;
    return d.max_entries > most_buckets ? -E2BIG : 0;
}

int check_hash_flags(const map_definition &d) noexcept {
    const bool lru = d.type == map_type::lru_hash or d.type == map_type::lru_percpu_hash;
    if (has(d, map_no_common_lru) and not lru) return -EINVAL;
    if (has(d, map_no_prealloc) and lru) return -not_supported;
    const bool percpu = d.type == map_type::percpu_hash or d.type == map_type::lru_percpu_hash;
    return has(d, map_numa_node) and (percpu or has(d, map_no_common_lru)) ? -EINVAL : 0;
}

int check_lpm_flags(const map_definition &d) noexcept {
    return has(d, map_no_prealloc) ? 0 : -EINVAL;
}

int check_object_size(const map_definition &d) noexcept {
    return d.value_size > most_object_bytes ? -E2BIG : 0;
}

int check_bloom(const map_definition &d) noexcept {
    return d.map_extra > most_bloom_hashes ? -EINVAL : 0;
}

int check_storage_flags(const map_definition &d) noexcept {
    return has(d, map_no_prealloc) ? 0 : -EINVAL;
}

int check_storage_size(const map_definition &d) noexcept {
    return d.value_size > most_storage_bytes ? -E2BIG : 0;
}

int check_cgroup_sizes(const map_definition &d) noexcept {
    if (d.key_size != sizeof(uint64_t) and d.key_size != sizeof(bpf_cgroup_storage_key))
        return -EINVAL;
    if (d.type == map_type::percpu_cgroup_storage and check_percpu_size(d) != 0) return -E2BIG;
    return check_storage_size(d);
}

int check_ring(const map_definition &d) noexcept {
    const auto page = static_cast<uint32_t>(getpagesize());
    return std::has_single_bit(d.max_entries) and d.max_entries % page == 0 ? 0 : -EINVAL;
}

int check_arena_flags(const map_definition &d) noexcept {
    return has(d, map_mmapable) ? 0 : -EINVAL;
}

int check_arena(const map_definition &d) noexcept {
    constexpr uint64_t most_bytes = uint64_t{1} << 32;
    const auto page = static_cast<uint64_t>(getpagesize());
    if (d.map_extra % page != 0) return -EINVAL;
    const uint64_t bytes = d.max_entries * page;
    if (bytes > most_bytes) return -E2BIG;
    return d.map_extra / most_bytes == (d.map_extra + bytes - 1) / most_bytes ? 0 : -ERANGE;
}

/// An interface index or CPU queue size, alone or with a program.
int check_redirect_value(const map_definition &d) noexcept {
    return d.value_size == 4 or d.value_size == 8 ? 0 : -EINVAL;
}

int check_sockhash(const map_definition &d) noexcept {
    constexpr uint32_t most_key_bytes = 512;  // what fits a program's stack
    if (const int failed = check_redirect_value(d)) return failed;
    if (d.key_size > most_key_bytes) return -E2BIG;
    return d.max_entries > most_socket_buckets ? -EINVAL : 0;
}

int check_cpumap(const map_definition &d) noexcept {
    if (const int failed = check_redirect_value(d)) return failed;
    return d.max_entries > most_cpus ? -E2BIG : 0;
}

int check_stack_trace(const map_definition &d) noexcept {
    const uint32_t frame = has(d, map_stack_build_id) ? 32 : 8;
    if (d.value_size % frame != 0 or d.value_size / frame > most_stack_depth) return -EINVAL;
    return d.max_entries > uint32_t{1} << 31 ? -E2BIG : 0;
}

// --- one row for each type

struct size_range {
    uint32_t least;
    uint32_t most;

    [[nodiscard]] constexpr bool holds(uint32_t size) const noexcept {
        return least <= size and size <= most;
    }
};
constexpr size_range none{0, 0};
constexpr size_range word{4, 4};
constexpr size_range some{1, any_size};
constexpr size_range group{8, 16};
constexpr size_range prefix{4 + 1, 4 + 256};

using check = int (*)(const map_definition &) noexcept;

struct type_rules {
    map_type type;
    uint32_t flags;  ///< those that are allowed
    size_range key;
    size_range value;
    check flags_check;  ///< before sizes are looked at
    check size_check;   ///< after
};

constexpr auto rules = std::to_array<type_rules>({
    {map_type::hash, hash_flags, some, some, check_hash_flags, check_hash_size},
    {map_type::array, array_flags, word, some, nullptr, check_array},
    {map_type::prog_array, array_flags, word, word, nullptr, check_object_array},
    {map_type::perf_event_array, array_flags, word, word, nullptr, check_object_array},
    {map_type::percpu_hash, hash_flags, some, some, check_hash_flags, check_hash_size},
    {map_type::percpu_array, array_flags, word, some, nullptr, check_percpu_array},
    {map_type::stack_trace,
     map_numa_node | all_access | map_stack_build_id,
     word,
     {8, any_size},
     nullptr,
     check_stack_trace},
    {map_type::cgroup_array, array_flags, word, word, nullptr, check_object_array},
    {map_type::lru_hash, hash_flags, some, some, check_hash_flags, check_hash_size},
    {map_type::lru_percpu_hash, hash_flags, some, some, check_hash_flags, check_hash_size},
    {map_type::lpm_trie,
     map_no_prealloc | map_numa_node | all_access,
     prefix,
     {1, most_object_bytes - 512},
     check_lpm_flags,
     nullptr},
    {map_type::array_of_maps, array_flags, word, word, nullptr, check_object_array},
    {map_type::hash_of_maps, hash_flags, some, word, check_hash_flags, check_hash_size},
    {map_type::devmap, device_flags, word, {4, 8}, nullptr, check_redirect_value},
    {map_type::devmap_hash, device_flags, word, {4, 8}, nullptr, check_redirect_value},
    {map_type::sockmap, socket_flags, word, {4, 8}, nullptr, check_redirect_value},
    {map_type::sockhash, socket_flags, some, {4, 8}, nullptr, check_sockhash},
    {map_type::reuseport_sockarray,
     map_numa_node | all_access,
     word,
     {4, 8},
     nullptr,
     check_redirect_value},
    {map_type::cpumap, map_numa_node, word, {4, 8}, nullptr, check_cpumap},
    {map_type::xskmap, device_flags, word, word, nullptr, nullptr},
    {map_type::queue, map_numa_node | all_access, none, some, nullptr, check_object_size},
    {map_type::stack, map_numa_node | all_access, none, some, nullptr, check_object_size},
    {map_type::sk_storage, storage_flags, word, some, check_storage_flags, check_storage_size},
    {map_type::cgroup_storage, cgroup_flags, group, some, nullptr, nullptr},
    {map_type::percpu_cgroup_storage, cgroup_flags, group, some, nullptr, nullptr},
    {map_type::inode_storage, storage_flags, word, some, check_storage_flags, check_storage_size},
    {map_type::task_storage, storage_flags, word, some, check_storage_flags, check_storage_size},
    {map_type::cgrp_storage, storage_flags, word, some, check_storage_flags, check_storage_size},
    {map_type::ringbuf, map_numa_node, none, none, nullptr, check_ring},
    {map_type::user_ringbuf, map_numa_node, none, none, nullptr, check_ring},
    {map_type::arena, map_mmapable | map_segv_on_fault | map_no_user_conv, none, none,
     check_arena_flags, check_arena},
    {map_type::bloom_filter, map_numa_node | map_zero_seed | all_access, none, some, nullptr,
     check_bloom},
});

/// Whether values belong to what is there anyway, so that nobody says how many there are.
bool has_no_entries(map_type type) noexcept {
    switch (type) {
    case map_type::cgroup_storage:
    case map_type::percpu_cgroup_storage:
    case map_type::sk_storage:
    case map_type::inode_storage:
    case map_type::task_storage:
    case map_type::cgrp_storage: return true;
    default: return false;
    }
}

// --- fields of values

bool takes_field(map_type type, value_field::kind what) noexcept {
    using kind = value_field::kind;
    switch (type) {
    case map_type::hash:
    case map_type::array: return true;
    case map_type::lru_hash: return what != kind::spin_lock;
    case map_type::percpu_hash:
    case map_type::percpu_array:
    case map_type::lru_percpu_hash: return what == kind::pointer;
    case map_type::cgroup_storage: return what == kind::spin_lock;
    case map_type::sk_storage:
    case map_type::inode_storage:
    case map_type::task_storage:
    case map_type::cgrp_storage: return what == kind::spin_lock or what == kind::pointer;
    default: return false;
    }
}

int check_fields(const map_definition &d) noexcept {
    if (d.fields.empty()) return 0;
    if (has(d, map_rdonly_prog | map_wronly_prog)) return -EACCES;
    for (const value_field &f : d.fields) {
        const bool is_inside = f.size <= d.value_size and f.offset <= d.value_size - f.size;
        if (not is_inside or f.offset % 4 != 0 or f.size % 4 != 0) return -EINVAL;
        if (not takes_field(d.type, f.what)) return -EOPNOTSUPP;
    }
    return std::ranges::count(d.fields, value_field::kind::spin_lock, &value_field::what) > 1
               ? -EINVAL
               : 0;
}

/// Of any length: loaders cut names for the kernel.
bool is_name(const std::string &name) noexcept {
    return std::ranges::all_of(
        name, [](unsigned char c) { return std::isalnum(c) != 0 or c == '_' or c == '.'; });
}

bool has_node(uint32_t node) {
    const std::string folder = "/sys/devices/system/node/node" + std::to_string(node);
    return node == 0 or ::access(folder.c_str(), F_OK) == 0;
}

int check_common(const map_definition &d) noexcept {
    const bool takes_extra = d.type == map_type::bloom_filter or d.type == map_type::arena;
    if (d.map_extra != 0 and not takes_extra) return -EINVAL;
    if ((d.flags & host_access) == host_access) return -EINVAL;
    if (has(d, map_numa_node) and not has_node(d.numa_node)) return -EINVAL;
    // Of these types the kernel looks at the size before the flags.
    switch (d.type) {
    case map_type::bloom_filter: return check_object_size(d);
    case map_type::cgroup_storage:
    case map_type::percpu_cgroup_storage: return check_cgroup_sizes(d);
    default: return 0;
    }
}

}  // namespace

int check_definition(const map_definition &d) noexcept {
    if (const int failed = check_common(d)) return failed;
    const auto row = std::ranges::find(rules, d.type, &type_rules::type);
    if (row == rules.end()) return -EINVAL;
    if ((d.flags & ~row->flags) != 0 or (d.flags & program_access) == program_access)
        return -EINVAL;
    if (row->flags_check != nullptr) {
        if (const int failed = row->flags_check(d)) return failed;
    }
    if ((d.max_entries == 0) != has_no_entries(d.type) or not row->key.holds(d.key_size) or
        not row->value.holds(d.value_size)) {
        return -EINVAL;
    }
    const int failed = row->size_check != nullptr ? row->size_check(d) : 0;
    if (failed != 0) return failed;
    if (not is_name(d.name)) return -EINVAL;
    return check_fields(d);
}

}  // namespace bpftime::vm::runtime
