// bpftime-vm: the sockets that helpers are about
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/network.hpp"

#include <cstdint>

namespace bpftime::vm::runtime {

/// The socket of the running packet's network that the program got at this address; null if it got
/// none there.
[[nodiscard]] const network_socket *socket_at(uint64_t address) noexcept;

/// Whether it is more than a connection that begins or has ended.
[[nodiscard]] bool is_full(const network_socket &s) noexcept;

}  // namespace bpftime::vm::runtime
