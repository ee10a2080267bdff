// bpftime-vm: maps of the host's whose values programs find without a call
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

#include <cstdint>
#include <map>
#include <memory>

namespace bpftime::vm::compat {

/// What programs know maps by, and what those are like, as far as the host has said so.
class EBPF_EXPORT inline_maps {
public:
    inline_maps();

    /// Map `fd` is the one with this word, which the host's callbacks know.
    void add(int fd, uint64_t word);
    /// Map `fd` is an array at `values`.
    void add_array(int fd, uint64_t values, const ebpf_inline_map &map);

    /// The host's callbacks with these maps before them.
    [[nodiscard]] lddw_helpers before(const lddw_helpers &host) const;
    /// bpf_map_lookup_elem for arrays; its context lives as long as this.
    [[nodiscard]] ebpf_helper lookup_helper() const;
    static constexpr uint32_t lookup_id = 1;  ///< BPF_FUNC_map_lookup_elem

private:
    struct state {
        std::map<uint32_t, uint64_t> words;         ///< by fd
        std::map<uint64_t, ebpf_map_shape> arrays;  ///< by word
    };

    static uint64_t look_up(void *context, uint64_t map, uint64_t key, uint64_t, uint64_t,
                            uint64_t);

    /// Callbacks hold it, too.
    std::shared_ptr<state> state_;
};

}  // namespace bpftime::vm::compat
