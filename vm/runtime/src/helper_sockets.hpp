// bpftime-vm: the sockets that helpers are about
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/network.hpp"
#include "storage_map.hpp"

#include <cstdint>
#include <memory>

namespace bpftime::vm::runtime {

/// States of TCP sockets (linux/bpf.h).
namespace tcp_state {
inline constexpr uint32_t established = 1;
inline constexpr uint32_t time_wait = 6;
inline constexpr uint32_t listens = 10;
inline constexpr uint32_t half_open = 12;
}  // namespace tcp_state

/// The running packet's own socket, or the one of its network, that the program got at this
/// address; null if it got none there.
[[nodiscard]] const network_socket *socket_at(uint64_t address);

/// Whether it is more than a connection that begins or has ended.
[[nodiscard]] bool is_full(const network_socket &s) noexcept;

/// The whole socket that the program means by the word: one of the packet's, or what the host has
/// made a storage_owner for; null if it is neither.
[[nodiscard]] std::shared_ptr<owner_record> socket_of(uint64_t word);

/// The word by which a program learns of the socket with this number, which it may read if it is of
/// the packet's network; 0: there is no such socket.
[[nodiscard]] uint64_t give_socket(uint32_t number);

}  // namespace bpftime::vm::runtime
