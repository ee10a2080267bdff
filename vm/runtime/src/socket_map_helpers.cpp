// bpftime-vm: the helpers about maps of sockets, and what programs attached to sockets ask
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_words.hpp"
#include "runtime/socket_site.hpp"
#include "socket_map.hpp"

#include <linux/bpf.h>

#include <cerrno>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

thread_local socket_site *innermost = nullptr;

}  // namespace

scoped_socket_site::scoped_socket_site(socket_site &site) noexcept
    : outer_{std::exchange(innermost, &site)} {}
scoped_socket_site::~scoped_socket_site() { innermost = outer_; }
socket_site *scoped_socket_site::current() noexcept { return innermost; }

namespace {

bool is_of(map_type type, uint64_t m) noexcept { return map_of(m).definition().type == type; }

/// The socket that the event is about goes into a map.
uint64_t put_own(map_type type, uint64_t m, uint64_t key, uint64_t flags) {
    if (not is_of(type, m)) return word_of(-EINVAL);
    if (innermost == nullptr or innermost->socket == 0) return word_of(-EOPNOTSUPP);
    return word_of(as_socket_map(&map_of(m))->put(pointer(key), innermost->socket, flags));
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
    if (innermost == nullptr or not to) return SK_DROP;
    innermost->chosen = to;
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
    if (not found or innermost == nullptr) return word_of(-ENOENT);
    innermost->chosen = chosen_socket{.through = sockets, .socket = *found};
    return 0;
}

}  // namespace bpftime::vm::runtime
