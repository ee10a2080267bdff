// bpftime-vm: the maps of one object, and how a VM gets to them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "runtime/map.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace bpftime::vm::runtime {

/// Maps by index. Programs name them by that index: in `lddw` of kinds 5 and 6, and, as there are
/// no file descriptors here, in kinds 1 and 2.
class map_set {
public:
    map_set() = default;
    explicit map_set(std::vector<std::shared_ptr<map>> maps) : maps_{std::move(maps)} {}
    /// New maps, none of which holds maps.
    [[nodiscard]] static result<map_set> create(std::span<const map_definition> definitions);

    /// The index of the map from now on. Null: an index that programs find no map at.
    uint32_t add(std::shared_ptr<map> m);
    [[nodiscard]] std::size_t size() const noexcept { return maps_.size(); }
    [[nodiscard]] const std::shared_ptr<map> &operator[](uint32_t index) const {
        return maps_[index];
    }
    /// Null if there is none.
    [[nodiscard]] std::shared_ptr<map> find(std::string_view name) const noexcept;

    /// Gives the VM's programs these maps, and registers the helpers. The set must outlive the
    /// VM's runs, and must not move or grow.
    result<void> attach(ebpf_vm &vm) const;

private:
    [[nodiscard]] uint64_t address_of(uint32_t index) const noexcept;
    [[nodiscard]] const ebpf_map_shape *shape_of(uint64_t word) const noexcept;
    [[nodiscard]] static const ebpf_map_shape *shape_of_inner(uint64_t word) noexcept;

    std::vector<std::shared_ptr<map>> maps_;
};

}  // namespace bpftime::vm::runtime
