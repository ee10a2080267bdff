// bpftime-vm: what the tests of maps share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

namespace bpftime::vm::runtime::test {

map_definition define(map_type type, uint32_t max_entries, uint32_t flags) {
    map_definition d{.name = "test",
                     .type = type,
                     .key_size = 4,
                     .value_size = 8,
                     .max_entries = max_entries,
                     .flags = flags};
    switch (type) {
    case map_type::queue:
    case map_type::stack:
    case map_type::bloom_filter: d.key_size = 0; break;
    case map_type::ringbuf: d.key_size = d.value_size = 0; break;
    case map_type::cgroup_storage:
    case map_type::percpu_cgroup_storage: d.key_size = 16; break;
    case map_type::sk_storage:
    case map_type::inode_storage:
    case map_type::task_storage:
    case map_type::cgrp_storage: d.flags |= map_no_prealloc; break;
    case map_type::lpm_trie:
        d.key_size = 8;
        d.flags |= map_no_prealloc;
        break;
    case map_type::prog_array:
    case map_type::perf_event_array:
    case map_type::cgroup_array:
    case map_type::array_of_maps:
    case map_type::hash_of_maps:
    case map_type::devmap:
    case map_type::devmap_hash:
    case map_type::cpumap:
    case map_type::reuseport_sockarray:
    case map_type::sockmap:
    case map_type::sockhash:
    case map_type::xskmap: d.value_size = 4; break;
    default: break;
    }
    return d;
}

std::shared_ptr<map> make(const map_definition &definition, const std::shared_ptr<map> &inner) {
    auto made = map::create(definition, inner);
    if (not made) {
        ADD_FAILURE() << made.error().message;
        return nullptr;
    }
    return *made;
}

std::shared_ptr<map> make(map_type type, uint32_t max_entries, uint32_t flags) {
    return make(define(type, max_entries, flags));
}

std::vector<bytes> keys_of(const map &m) {
    std::vector<bytes> keys;
    for (auto next = m.next_key({}); next; next = m.next_key(*next)) keys.push_back(*next);
    return keys;
}

uint64_t program_value(map &m, uint32_t number) {
    const void *const value = m.lookup_elem(&number);
    EXPECT_NE(value, nullptr) << "key " << number;
    uint64_t word = 0;
    if (value != nullptr) std::memcpy(&word, value, sizeof word);
    return word;
}

}  // namespace bpftime::vm::runtime::test
