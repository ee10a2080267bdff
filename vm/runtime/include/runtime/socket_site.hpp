// bpftime-vm: what programs learn and decide where they are attached to sockets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace bpftime::vm::runtime {

/// A socket that a program wants something to go to.
struct chosen_socket {
    /// That the program found it in; null: another way. Stays as packet_target::through does.
    const map *through = nullptr;
    uint32_t socket = 0;  ///< its number
    uint64_t flags = 0;   ///< that the helper got

    friend bool operator==(const chosen_socket &, const chosen_socket &) = default;
};

/// A socket, or a message that goes through it, at one event. Sockets have the numbers of their
/// storage_owner.
struct socket_site {
    uint32_t socket = 0;  ///< that the event is about; 0: the host does not tell

    // What the program wants.
    /// bpf_msg_redirect_map, bpf_msg_redirect_hash, bpf_sk_select_reuseport, and bpf_sk_assign of a
    /// program without a packet.
    std::optional<chosen_socket> chosen{};
    uint32_t apply_bytes = 0;  ///< bpf_msg_apply_bytes
    uint32_t cork_bytes = 0;   ///< bpf_msg_cork_bytes
    uint32_t callbacks = 0;    ///< bpf_sock_ops_cb_flags_set: BPF_SOCK_OPS_.._CB_FLAG

    // What the host does for it: 0 or a negative errno. Empty: -EOPNOTSUPP.
    std::function<int(int level, int name, std::span<uint8_t> value)> get_option{};
    std::function<int(int level, int name, std::span<const uint8_t> value)> set_option{};
    std::function<int(std::span<const uint8_t> address)> bind{};
};

/// While one lives, its site is what runs on this thread ask about. They nest.
class scoped_socket_site {
public:
    /// `site` must outlive it.
    explicit scoped_socket_site(socket_site &site) noexcept;
    ~scoped_socket_site();
    scoped_socket_site(const scoped_socket_site &) = delete;
    scoped_socket_site &operator=(const scoped_socket_site &) = delete;

    /// The innermost on this thread; null if there is none.
    [[nodiscard]] static socket_site *current() noexcept;

private:
    socket_site *outer_;
};

}  // namespace bpftime::vm::runtime
