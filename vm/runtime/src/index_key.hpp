// bpftime-vm: maps whose keys are the numbers from 0 on
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>

namespace bpftime::vm::runtime {

[[nodiscard]] inline uint32_t index_of(const void *key) noexcept {
    uint32_t index = 0;
    std::memcpy(&index, key, sizeof index);
    return index;
}

/// The index after `key`; `key` is null for the first.
[[nodiscard]] inline int next_index(const void *key, void *next, uint32_t max_entries) noexcept {
    uint32_t index = key == nullptr ? std::numeric_limits<uint32_t>::max() : index_of(key);
    if (index == max_entries - 1) return -ENOENT;
    index = index >= max_entries ? 0 : index + 1;
    std::memcpy(next, &index, sizeof index);
    return 0;
}

/// Whether an entry that is always there may be updated.
[[nodiscard]] inline int check_index_update(uint32_t index, uint32_t max_entries,
                                            uint64_t flags) noexcept {
    if (flags > update_exist) return -EINVAL;
    if (index >= max_entries) return -E2BIG;
    return flags == update_noexist ? -EEXIST : 0;
}

}  // namespace bpftime::vm::runtime
