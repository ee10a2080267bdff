// bpftime-vm: the helpers about maps of sockets, and of programs that are attached to sockets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_words.hpp"
#include "runtime/socket_site.hpp"
#include "socket_map.hpp"

#include <linux/bpf.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

thread_local socket_site *innermost_socket = nullptr;

}  // namespace

scoped_socket_site::scoped_socket_site(socket_site &site) noexcept
    : outer_{std::exchange(innermost_socket, &site)} {}
scoped_socket_site::~scoped_socket_site() { innermost_socket = outer_; }
socket_site *scoped_socket_site::current() noexcept { return innermost_socket; }

namespace {

bool is_of(map_type type, uint64_t m) noexcept { return map_of(m).definition().type == type; }

/// The socket that the event is about goes into a map.
uint64_t put_own(map_type type, uint64_t m, uint64_t key, uint64_t flags) {
    if (not is_of(type, m)) return word_of(-EINVAL);
    if (innermost_socket == nullptr or innermost_socket->socket == 0) return word_of(-EOPNOTSUPP);
    return word_of(as_socket_map(&map_of(m))->put(pointer(key), innermost_socket->socket, flags));
}

/// What a packet or message is to go to; nothing if the program's call is wrong or nothing is
/// there.
std::optional<chosen_socket> choose(map_type type, uint64_t m, const void *key, uint64_t flags) {
    if (not is_of(type, m) or (flags & ~uint64_t{BPF_F_INGRESS}) != 0) return {};
    const auto found = as_socket_map(&map_of(m))->find(key);
    if (not found) return {};
    return chosen_socket{.through = &map_of(m), .socket = *found, .flags = flags};
}

uint64_t redirect_packet(uint64_t context, const std::optional<chosen_socket> &to) {
    packet_context *const p = skb_of(context);
    if (p == nullptr or not to) return SK_DROP;
    p->set_target(packet_target{.through = to->through,
                                .key = to->socket,
                                .flags = to->flags,
                                .how = packet_target::way::socket});
    return SK_PASS;
}

uint64_t redirect_message(const std::optional<chosen_socket> &to) {
    if (innermost_socket == nullptr or not to) return SK_DROP;
    innermost_socket->chosen = to;
    return SK_PASS;
}

}  // namespace

// --- what programs put in

uint64_t helper::sock_map_update(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return put_own(map_type::sockmap, r2, r3, r4);
}

uint64_t helper::sock_hash_update(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return put_own(map_type::sockhash, r2, r3, r4);
}

// --- where packets, messages and connections go

uint64_t helper::sk_redirect_map(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto index = static_cast<uint32_t>(r3);
    return redirect_packet(r1, choose(map_type::sockmap, r2, &index, r4));
}

uint64_t helper::sk_redirect_hash(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return redirect_packet(r1, choose(map_type::sockhash, r2, pointer(r3), r4));
}

uint64_t helper::msg_redirect_map(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto index = static_cast<uint32_t>(r3);
    return redirect_message(choose(map_type::sockmap, r2, &index, r4));
}

uint64_t helper::msg_redirect_hash(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return redirect_message(choose(map_type::sockhash, r2, pointer(r3), r4));
}

uint64_t helper::sk_select_reuseport(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    socket_map *const sockets = as_socket_map(&map_of(r2));
    if (sockets == nullptr or r4 != 0) return word_of(-EINVAL);
    const auto found = sockets->find(pointer(r3));
    if (not found or innermost_socket == nullptr) return word_of(-ENOENT);
    innermost_socket->chosen = chosen_socket{.through = sockets, .socket = *found};
    return 0;
}

// --- what the host does for them

uint64_t helper::setsockopt(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    if (innermost_socket == nullptr or not innermost_socket->set_option)
        return word_of(-EOPNOTSUPP);
    return word_of(
        innermost_socket->set_option(static_cast<int>(r2), static_cast<int>(r3), bytes_at(r4, r5)));
}

uint64_t helper::getsockopt(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    const auto value = bytes_at(r4, r5);
    int failed = -EOPNOTSUPP;
    if (innermost_socket != nullptr and innermost_socket->get_option)
        failed = innermost_socket->get_option(static_cast<int>(r2), static_cast<int>(r3), value);
    if (failed != 0) std::ranges::fill(value, uint8_t{0});
    return word_of(failed);
}

uint64_t helper::bind(uint64_t, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    // A copy: another thread may change what the program's memory holds.
    sockaddr_storage address{};
    const auto given = bytes_at(r2, r3);
    if (given.size() < sizeof address.ss_family) return word_of(-EINVAL);
    const std::size_t size = std::min(given.size(), sizeof address);
    std::memcpy(&address, given.data(), size);
    if (address.ss_family != AF_INET and address.ss_family != AF_INET6)
        return word_of(-EAFNOSUPPORT);
    if (innermost_socket == nullptr or not innermost_socket->bind) return word_of(-EOPNOTSUPP);
    return word_of(innermost_socket->bind({reinterpret_cast<const uint8_t *>(&address), size}));
}

uint64_t helper::sock_ops_cb_flags_set(uint64_t, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    constexpr uint32_t all = BPF_SOCK_OPS_ALL_CB_FLAGS;
    if (innermost_socket == nullptr) return word_of(-EINVAL);
    const auto wanted = static_cast<uint32_t>(r2);
    innermost_socket->callbacks = wanted & all;
    return wanted & ~all;
}

// --- messages

uint64_t helper::msg_apply_bytes(uint64_t, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    if (innermost_socket == nullptr) return word_of(-EOPNOTSUPP);
    innermost_socket->apply_bytes = static_cast<uint32_t>(r2);
    return 0;
}

uint64_t helper::msg_cork_bytes(uint64_t, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    if (innermost_socket == nullptr) return word_of(-EOPNOTSUPP);
    innermost_socket->cork_bytes = static_cast<uint32_t>(r2);
    return 0;
}

namespace {

/// Bytes of the message, as the context says: struct sk_msg_md begins with its begin and end.
uint64_t message_bytes() noexcept {
    const compat::memory_span input = compat::run::current()->input();
    uint64_t ends[2] = {};
    if (input.len < sizeof ends) return 0;
    std::memcpy(ends, pointer(input.begin), sizeof ends);
    return ends[1] > ends[0] ? ends[1] - ends[0] : 0;
}

}  // namespace

uint64_t helper::msg_pull_data(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto begin = static_cast<uint32_t>(r2);
    const auto end = static_cast<uint32_t>(r3);
    return word_of(r4 != 0 or end <= begin or end > message_bytes() ? -EINVAL : 0);
}

uint64_t helper::msg_push_data(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    if (r4 != 0) return word_of(-EINVAL);
    if (static_cast<uint32_t>(r3) == 0) return 0;
    return word_of(static_cast<uint32_t>(r2) > message_bytes() ? -EINVAL : -ENOMEM);
}

uint64_t helper::msg_pop_data(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto bytes = static_cast<uint32_t>(r3);
    if (r4 != 0) return word_of(-EINVAL);
    if (bytes == 0) return 0;
    return word_of(uint64_t{static_cast<uint32_t>(r2)} + bytes > message_bytes() ? -EINVAL
                                                                                 : -ENOMEM);
}

}  // namespace bpftime::vm::runtime
