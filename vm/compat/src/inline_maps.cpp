// bpftime-vm: maps of the host's whose values programs find without a call
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/inline_maps.hpp"

#include <cstring>

namespace bpftime::vm::compat {

namespace {

constexpr uint32_t readable_flag = 1U << 7;  // BPF_F_RDONLY_PROG
constexpr uint32_t writable_flag = 1U << 8;  // BPF_F_WRONLY_PROG

uint32_t permission_of(uint32_t flags) noexcept {
    if ((flags & readable_flag) != 0) return EBPF_PERM_READ;
    if ((flags & writable_flag) != 0) return EBPF_PERM_WRITE;
    return EBPF_PERM_READ_WRITE;
}

}  // namespace

inline_maps::inline_maps() : state_{std::make_shared<state>()} {}

void inline_maps::add(int fd, uint64_t word) {
    state_->words.insert_or_assign(static_cast<uint32_t>(fd), word);
}

void inline_maps::add_array(int fd, uint64_t values, const ebpf_inline_map &map) {
    add(fd, values);
    state_->arrays.insert_or_assign(values, ebpf_map_shape{
                                                .key_size = map.key_size,
                                                .value_size = map.value_size,
                                                .result_size = map.value_size,
                                                .permission = permission_of(map.flags),
                                                .value_stride = (map.value_size + 7) / 8 * 8,
                                                .index_count = map.max_entries,
                                                .values = values,
                                                .arena = nullptr,
                                                .is_constant = 0,
                                                .probe = nullptr,
                                            });
}

lddw_helpers inline_maps::before(const lddw_helpers &host) const {
    lddw_helpers all{host};
    if (state_->words.empty()) return all;
    all.map_by_fd = [known = state_, other = host.map_by_fd](uint32_t fd) -> uint64_t {
        const auto found = known->words.find(fd);
        if (found != known->words.end()) return found->second;
        return other ? other(fd) : 0;
    };
    if (host.map_by_fd_size) {
        all.map_by_fd_size = [known = state_, other = host.map_by_fd_size](uint32_t fd) {
            return known->words.contains(fd) ? 0 : other(fd);
        };
    }
    if (state_->arrays.empty()) return all;
    all.map_val = [known = state_, other = host.map_val](uint64_t map) -> uint64_t {
        if (known->arrays.contains(map)) return map;
        return other ? other(map) : 0;
    };
    all.map_val_size = [known = state_, other = host.map_val_size](uint64_t map) -> uint64_t {
        const auto found = known->arrays.find(map);
        if (found == known->arrays.end()) return other ? other(map) : 0;
        return uint64_t{found->second.value_stride} * found->second.index_count;
    };
    all.map_shape = [known = state_,
                     other = host.map_shape](uint64_t map) -> const ebpf_map_shape * {
        const auto found = known->arrays.find(map);
        if (found != known->arrays.end()) return &found->second;
        return other ? other(map) : nullptr;
    };
    return all;
}

ebpf_helper inline_maps::lookup_helper() const {
    ebpf_helper helper{};
    helper.id = lookup_id;
    helper.name = "bpf_map_lookup_elem";
    helper.ctx_fn = look_up;
    helper.context = state_.get();
    helper.arguments[0].kind = EBPF_ARG_MAP;
    helper.arguments[1].kind = EBPF_ARG_MAP_KEY;
    helper.result = EBPF_RESULT_MAP_VALUE_OR_NULL;
    return helper;
}

/// The arguments have been checked, unless the host wants no checks.
uint64_t inline_maps::look_up(void *context, uint64_t map, uint64_t key, uint64_t, uint64_t,
                              uint64_t) {
    const auto &arrays = static_cast<const state *>(context)->arrays;
    const auto found = arrays.find(map);
    if (found == arrays.end()) return 0;
    const ebpf_map_shape &shape = found->second;
    uint32_t index = 0;
    std::memcpy(&index, reinterpret_cast<const void *>(key), sizeof index);
    return index < shape.index_count ? shape.values + uint64_t{index} * shape.value_stride : 0;
}

}  // namespace bpftime::vm::compat
