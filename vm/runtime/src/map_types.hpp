// bpftime-vm: the makers of each type of map
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <memory>

namespace bpftime::vm::runtime {

// Each makes a map of a definition that check_definition() found good; null if there is not enough
// memory.

using map_ptr = std::shared_ptr<map>;

map_ptr make_array(const map_definition &definition);
map_ptr make_percpu_array(const map_definition &definition);
map_ptr make_hash(const map_definition &definition);
map_ptr make_lpm_trie(const map_definition &definition);
map_ptr make_queue(const map_definition &definition);
map_ptr make_bloom_filter(const map_definition &definition);
map_ptr make_ring_buffer(const map_definition &definition);
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

}  // namespace bpftime::vm::runtime
