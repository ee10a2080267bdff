// bpftime-vm: what a map is declared to be
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm {

/// The kinds of maps, with the kernel's numbers (enum bpf_map_type in include/uapi/linux/bpf.h).
enum class map_type : uint32_t {
    unspec = 0,
    hash = 1,
    array = 2,
    prog_array = 3,
    perf_event_array = 4,
    percpu_hash = 5,
    percpu_array = 6,
    stack_trace = 7,
    cgroup_array = 8,
    lru_hash = 9,
    lru_percpu_hash = 10,
    lpm_trie = 11,
    array_of_maps = 12,
    hash_of_maps = 13,
    devmap = 14,
    sockmap = 15,
    cpumap = 16,
    xskmap = 17,
    sockhash = 18,
    cgroup_storage = 19,
    reuseport_sockarray = 20,
    percpu_cgroup_storage = 21,
    queue = 22,
    stack = 23,
    sk_storage = 24,
    devmap_hash = 25,
    struct_ops = 26,
    ringbuf = 27,
    inode_storage = 28,
    task_storage = 29,
    bloom_filter = 30,
    user_ringbuf = 31,
    cgrp_storage = 32,
    arena = 33,
};

/// The kernel's word for the type, as bpftool prints it; "unknown" of others.
[[nodiscard]] constexpr std::string_view name_of(map_type type) noexcept {
    constexpr auto names = std::to_array<std::string_view>({
        "unspec",
        "hash",
        "array",
        "prog_array",
        "perf_event_array",
        "percpu_hash",
        "percpu_array",
        "stack_trace",
        "cgroup_array",
        "lru_hash",
        "lru_percpu_hash",
        "lpm_trie",
        "array_of_maps",
        "hash_of_maps",
        "devmap",
        "sockmap",
        "cpumap",
        "xskmap",
        "sockhash",
        "cgroup_storage",
        "reuseport_sockarray",
        "percpu_cgroup_storage",
        "queue",
        "stack",
        "sk_storage",
        "devmap_hash",
        "struct_ops",
        "ringbuf",
        "inode_storage",
        "task_storage",
        "bloom_filter",
        "user_ringbuf",
        "cgrp_storage",
        "arena",
    });
    static_assert(names.size() == static_cast<std::size_t>(map_type::arena) + 1);
    const auto index = static_cast<std::size_t>(type);
    return index < names.size() ? names[index] : "unknown";
}

/// Flags of a map, with the kernel's values.
enum map_flag : uint32_t {
    map_no_prealloc = 1U << 0,
    map_no_common_lru = 1U << 1,
    map_numa_node = 1U << 2,
    map_rdonly = 1U << 3,  ///< for the host side
    map_wronly = 1U << 4,
    map_stack_build_id = 1U << 5,
    map_zero_seed = 1U << 6,
    map_rdonly_prog = 1U << 7,  ///< for programs
    map_wronly_prog = 1U << 8,
    map_clone = 1U << 9,
    map_mmapable = 1U << 10,
    map_preserve_elems = 1U << 11,
    map_inner_map = 1U << 12,
    map_segv_on_fault = 1U << 17,  ///< of arenas, about the kernel's processes
    map_no_user_conv = 1U << 18,
};

/// A part of a value that programs use by helpers alone. Copies of values leave it out.
struct value_field {
    enum class kind : uint8_t {
        spin_lock,  ///< struct bpf_spin_lock
        timer,      ///< struct bpf_timer
        pointer,    ///< to an object of the kernel's or the programs', which kptr_xchg exchanges
        list_head,
        list_node,
        rb_root,
        rb_node,
        refcount,
        other,  ///< a work queue and the like
    };

    kind what = kind::other;
    uint32_t offset = 0;
    uint32_t size = 0;  ///< bytes; like the offset a multiple of 4

    friend bool operator==(const value_field &, const value_field &) = default;
};

/// What a program's object says of a map, and all that is needed to make one.
struct map_definition {
    std::string name;
    map_type type = map_type::unspec;
    uint32_t key_size = 0;
    uint32_t value_size = 0;
    uint32_t max_entries = 0;
    uint32_t flags = 0;                 ///< map_flag bits
    uint64_t map_extra = 0;             ///< bloom filter: number of hash functions; arena: address
    uint32_t numa_node = 0;             ///< with map_numa_node
    std::vector<value_field> fields{};  ///< of values, by offset
};

}  // namespace bpftime::vm
