// bpftime-vm: maps of sockets, by number
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <cstdint>
#include <optional>

namespace bpftime::vm::runtime {

/// Hosts put in numbers of sockets where the kernel takes file descriptors, and find them where it
/// tells cookies. Nobody checks that there is such a socket: programs that look one up get it if
/// there is.
class socket_map : public map {
public:
    /// Of the socket that is there.
    [[nodiscard]] virtual std::optional<uint32_t> find(const void *key) noexcept = 0;
    /// 0 or a negative errno.
    virtual int put(const void *key, uint32_t socket, uint64_t flags) noexcept = 0;

    /// For programs, as bpf_map_lookup_elem() and bpf_map_update_elem() give and take sockets.
    void *lookup_elem(const void *key) noexcept final;
    int update_elem(const void *key, const void *socket, uint64_t flags) noexcept final;

protected:
    using map::map;

private:
    /// Of a socket that a program means by a word. A packet's own one gets its number here.
    int put_socket(const void *key, uint64_t word, uint64_t flags);
    int host_lookup(const void *key, void *value) noexcept final;
    int host_update(const void *key, const void *value, uint64_t flags) noexcept final;
};

/// The map as one of sockets; null if it is none.
[[nodiscard]] socket_map *as_socket_map(map *m) noexcept;

}  // namespace bpftime::vm::runtime
