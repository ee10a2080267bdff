// bpftime-vm: the maps of one object, and how a VM gets to them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/map_set.hpp"

#include "run_scope.hpp"
#include "runtime/arena.hpp"
#include "runtime/helpers.hpp"

#include <algorithm>

namespace bpftime::vm::runtime {

namespace {

/// Where the memory of an array's only value is, or an arena, for programs that name it without a
/// lookup; null if the map has none.
void *only_value(uint64_t map_word) noexcept {
    if (map_word == 0) return nullptr;
    map &m = *reinterpret_cast<map *>(map_word);
    if (const arena *const a = as_arena(&m)) return a->address();
    const map_definition &d = m.definition();
    if (d.type != map_type::array or d.max_entries != 1) return nullptr;
    const uint32_t first = 0;
    return m.lookup_elem(&first);
}

}  // namespace

result<map_set> map_set::create(std::span<const map_definition> definitions) {
    map_set set;
    for (const map_definition &d : definitions) {
        auto made = map::create(d);
        if (not made) return std::unexpected{std::move(made.error())};
        set.add(std::move(*made));
    }
    return set;
}

uint32_t map_set::add(std::shared_ptr<map> m) {
    maps_.push_back(std::move(m));
    return static_cast<uint32_t>(maps_.size() - 1);
}

std::shared_ptr<map> map_set::find(std::string_view name) const noexcept {
    const auto it = std::ranges::find_if(
        maps_, [&](const auto &m) { return m != nullptr and m->definition().name == name; });
    return it == maps_.end() ? nullptr : *it;
}

uint64_t map_set::address_of(uint32_t index) const noexcept {
    return index < maps_.size() ? reinterpret_cast<uint64_t>(maps_[index].get()) : 0;
}

const ebpf_map_shape *map_set::shape_of(uint64_t word) const noexcept {
    if (word == 0) return nullptr;
    for (const std::shared_ptr<map> &m : maps_) {
        if (reinterpret_cast<uint64_t>(m.get()) == word) return &m->shape();
    }
    return shape_of_inner(word);
}

const ebpf_map_shape *map_set::shape_of_inner(uint64_t word) noexcept {
    const auto *const m = reinterpret_cast<const map *>(word);
    run_scope *const scope = run_scope::current();
    if (scope == nullptr or not scope->has_map(m)) return nullptr;
    return &m->shape();
}

result<void> map_set::attach(ebpf_vm &vm) const {
    const auto by_index = [this](uint32_t index) { return address_of(index); };
    const auto value = [](uint64_t map_word) {
        return reinterpret_cast<uint64_t>(only_value(map_word));
    };
    const auto value_size = [](uint64_t map_word) -> uint64_t {
        if (only_value(map_word) == nullptr) return 0;
        return reinterpret_cast<const map *>(map_word)->definition().value_size;
    };
    compat::lddw_helpers lddw;
    lddw.map_by_fd = by_index;
    lddw.map_by_idx = by_index;
    lddw.map_val = value;
    lddw.map_val_size = value_size;
    lddw.map_shape = [this](uint64_t word) { return shape_of(word); };
    if (vm.set_lddw_helpers(lddw) != EBPF_OK)
        return std::unexpected{make_error(error_code::invalid_argument, vm.error_message())};
    return register_helpers(vm);
}

}  // namespace bpftime::vm::runtime
