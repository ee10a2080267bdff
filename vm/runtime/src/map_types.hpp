// bpftime-vm: the makers of each type of map
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "map_memory.hpp"
#include "runtime/map.hpp"

#include <cstddef>
#include <memory>
#include <utility>

namespace bpftime::vm::runtime {

// Each makes a map of a definition that check_definition() found good; null if there is not enough
// memory.

using map_ptr = std::shared_ptr<map>;

map_ptr make_lpm_trie(const map_definition &definition);
map_ptr make_user_ring_buffer(const map_definition &definition);
map_ptr make_stack_trace(const map_definition &definition);
map_ptr make_object_array(const map_definition &definition);
map_ptr make_map_array(const map_definition &definition, const map_ptr &inner);
map_ptr make_map_hash(const map_definition &definition, const map_ptr &inner);
map_ptr make_devmap(const map_definition &definition);
map_ptr make_devmap_hash(const map_definition &definition);
map_ptr make_cpumap(const map_definition &definition);
map_ptr make_cgroup_storage(const map_definition &definition);
map_ptr make_storage(const map_definition &definition);
map_ptr make_socket_array(const map_definition &definition);
map_ptr make_socket_hash(const map_definition &definition);
map_ptr make_xskmap(const map_definition &definition);
map_ptr make_arena(const map_definition &definition);

// Maps that can be pinned are made in memory of so many bytes. If it is not new, the map is what is
// there.

std::size_t bytes_of_array(const map_definition &definition);
map_ptr make_array(const map_definition &definition, map_memory memory);
std::size_t bytes_of_percpu_array(const map_definition &definition);
map_ptr make_percpu_array(const map_definition &definition, map_memory memory);
std::size_t bytes_of_hash(const map_definition &definition);
map_ptr make_hash(const map_definition &definition, map_memory memory);
std::size_t bytes_of_pinned_trie(const map_definition &definition);
map_ptr make_pinned_trie(const map_definition &definition, map_memory memory);
std::size_t bytes_of_queue(const map_definition &definition);
map_ptr make_queue(const map_definition &definition, map_memory memory);
std::size_t bytes_of_bloom_filter(const map_definition &definition);
map_ptr make_bloom_filter(const map_definition &definition, map_memory memory);
std::size_t bytes_of_ring_buffer(const map_definition &definition);
map_ptr make_ring_buffer(const map_definition &definition, map_memory memory);

inline map_ptr make_hash(const map_definition &definition) {
    map_memory memory{bytes_of_hash(definition)};
    return memory ? make_hash(definition, std::move(memory)) : nullptr;
}

/// How a type that can be pinned is made.
struct pinnable_type {
    map_type type;
    std::size_t (*bytes)(const map_definition &);
    map_ptr (*make)(const map_definition &, map_memory);

    /// Bytes at the end of the memory that are mapped once more behind it.
    [[nodiscard]] std::size_t twice(const map_definition &d) const noexcept {
        return type == map_type::ringbuf ? d.max_entries : 0;
    }
};

/// Null: maps of this type cannot be pinned.
const pinnable_type *find_pinnable(map_type type) noexcept;

}  // namespace bpftime::vm::runtime
