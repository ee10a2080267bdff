// bpftime-vm: the helpers about values that belong to tasks, inodes, sockets and control groups
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_sockets.hpp"
#include "helper_words.hpp"
#include "storage_map.hpp"

#include <linux/bpf.h>

#include <cerrno>

namespace bpftime::vm::runtime {

namespace {

/// What the program means by the word; null if it is nothing of the kind.
std::shared_ptr<owner_record> owner_of(owner_kind kind, uint64_t word) noexcept {
    return kind == owner_kind::socket ? socket_of(word) : find_owner(kind, word);
}

uint64_t get(owner_kind kind, uint64_t m, uint64_t owner, uint64_t initial, uint64_t flags) {
    storage_map *const storage = as_storage_map(&map_of(m));
    const uint64_t known_flags = BPF_LOCAL_STORAGE_GET_F_CREATE;
    if (storage == nullptr or storage->kind() != kind or (flags & ~known_flags) != 0) return 0;
    const auto found = owner_of(kind, owner);
    if (found == nullptr) return 0;
    return word_of(flags == 0 ? storage->find(*found)
                              : storage->find_or_add(*found, pointer(initial)));
}

uint64_t remove(owner_kind kind, uint64_t m, uint64_t owner) {
    storage_map *const storage = as_storage_map(&map_of(m));
    const auto found = owner_of(kind, owner);
    if (storage == nullptr or storage->kind() != kind or found == nullptr) return word_of(-EINVAL);
    return word_of(storage->remove(*found));
}

}  // namespace

uint64_t helper::task_storage_get(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return get(owner_kind::task, r1, r2, r3, r4);
}
uint64_t helper::task_storage_delete(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return remove(owner_kind::task, r1, r2);
}

uint64_t helper::inode_storage_get(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return get(owner_kind::inode, r1, r2, r3, r4);
}
uint64_t helper::inode_storage_delete(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return remove(owner_kind::inode, r1, r2);
}

uint64_t helper::sk_storage_get(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return get(owner_kind::socket, r1, r2, r3, r4);
}
uint64_t helper::sk_storage_delete(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return remove(owner_kind::socket, r1, r2);
}

uint64_t helper::cgrp_storage_get(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return get(owner_kind::cgroup, r1, r2, r3, r4);
}
uint64_t helper::cgrp_storage_delete(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return remove(owner_kind::cgroup, r1, r2);
}

}  // namespace bpftime::vm::runtime
