// bpftime-vm: maps of values for each control group that a program is attached to
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/cgroup_site.hpp"
#include "runtime/map.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace bpftime::vm::runtime {

/// Keys are ids of groups, alone or with the way in which programs are attached. The kernel makes
/// values when it attaches a program; here they begin with the first run that asks, and stay.
class cgroup_storage final : public map {
public:
    explicit cgroup_storage(const map_definition &definition);

    /// The value of the group, of per-CPU maps that of the thread's CPU; null if there is no memory
    /// for it.
    [[nodiscard]] void *find_or_add(const cgroup_site &site) noexcept;
    /// Words that a value has, of all CPUs.
    [[nodiscard]] std::size_t value_words() const noexcept;

private:
    using words = std::unique_ptr<uint64_t[]>;
    using group_key = std::pair<uint64_t, uint32_t>;

    [[nodiscard]] bool has_attach_type() const noexcept;
    [[nodiscard]] group_key read_key(const void *key) const noexcept;
    void write_key(const group_key &from, void *key) const noexcept;
    int replace(words &value, const void *from);

    void *host_find(const void *key) noexcept override;
    int host_lookup(const void *key, void *value) noexcept override;
    int host_update(const void *key, const void *value, uint64_t flags) noexcept override;
    int host_next_key(const void *key, void *next) const noexcept override;

    const bool is_percpu_;
    const std::size_t stride_;  ///< bytes of a value of one CPU
    mutable std::mutex lock_;
    std::map<group_key, words> values_;
};

/// The map as one of them; null if it is none.
[[nodiscard]] cgroup_storage *as_cgroup_storage(map *m) noexcept;

}  // namespace bpftime::vm::runtime
