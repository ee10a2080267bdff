// bpftime-vm: the helpers about sockets: those of the packet's network, and its own
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_sockets.hpp"
#include "helper_words.hpp"
#include "runtime/network.hpp"
#include "runtime/object_map.hpp"
#include "runtime/socket_site.hpp"

#include <linux/bpf.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

/// What a program learned of a socket by a helper it may then read.
template <typename T>
uint64_t give(const T &view) {
    compat::run::current()->memory().grant({word_of(&view), sizeof view, permission::read});
    return word_of(&view);
}

/// The two ends in a struct bpf_sock_tuple, whose size tells the version of IP.
std::optional<network_connection> connection_at(std::span<const uint8_t> tuple) noexcept {
    constexpr std::size_t port_bytes = 2;
    std::size_t address = 0;
    if (tuple.size() == sizeof bpf_sock_tuple::ipv4) address = 4;
    if (tuple.size() == sizeof bpf_sock_tuple::ipv6) address = 16;
    if (address == 0) return {};
    const auto port = [&](std::size_t index) {
        return network_order(number_at<uint16_t>(&tuple[2 * address + index * port_bytes]));
    };
    network_connection c;
    c.remote = ip_address{tuple.first(address)};
    c.local = ip_address{tuple.subspan(address, address)};
    c.remote_port = port(0);
    c.local_port = port(1);
    return c;
}

/// There is no other network namespace than the packet's.
bool is_own_namespace(uint64_t id) noexcept { return static_cast<int32_t>(id) < 0; }

const network_socket *find(uint64_t context, std::span<const uint8_t> tuple, uint32_t protocol,
                           uint64_t network_namespace, uint64_t flags) {
    packet_context *const p = packet_of(context);
    auto c = connection_at(tuple);
    if (p == nullptr or not c or flags != 0 or not is_own_namespace(network_namespace))
        return nullptr;
    c->protocol = protocol;
    c->interface = p->interface();
    if (auto found = p->network().look_up_socket(*c)) return p->keep(std::move(found));
    return p->network().find_socket(*c);
}

/// The socket that the program knows by the address.
uint64_t give_again(const network_socket &s, uint64_t address) {
    const void *const own = packet_context::running()->own_view();
    return own == pointer<const void>(address) ? address : give(s.view);
}

uint64_t find_full(uint64_t r1, uint64_t r2, uint64_t r3, uint32_t protocol, uint64_t r4,
                   uint64_t r5) {
    const network_socket *const found = find(r1, bytes_at(r2, r3), protocol, r4, r5);
    return found != nullptr and is_full(*found) ? give(found->view) : 0;
}

}  // namespace

const network_socket *socket_at(uint64_t address) {
    packet_context *const p = packet_context::running();
    const void *const view = pointer<const void>(address);
    if (p == nullptr or view == nullptr) return nullptr;
    if (view == p->own_view()) return &p->own_socket();
    const network_socket *const added = p->network().find_socket(view);
    return added != nullptr ? added : p->find_kept(view);
}

bool is_full(const network_socket &s) noexcept {
    return s.view.state != tcp_state::time_wait and s.view.state != tcp_state::half_open;
}

std::shared_ptr<owner_record> socket_of(uint64_t word) {
    if (const network_socket *const s = socket_at(word))
        return is_full(*s) and s->owner != nullptr ? s->owner->known_as() : nullptr;
    return find_owner(owner_kind::socket, word);
}

uint64_t give_socket(uint32_t number) {
    const packet_context *const p = packet_context::running();
    const network_socket *s = p == nullptr ? nullptr : p->network().find_numbered_socket(number);
    if (s == nullptr and p != nullptr) s = p->find_kept(number);
    if (s != nullptr) return give(s->view);
    const auto owner = find_owner(number);
    return owner != nullptr and owner->kind == owner_kind::socket ? owner->word : 0;
}

// --- sockets of the network

uint64_t helper::sk_lookup_tcp(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return find_full(r1, r2, r3, ip::tcp, r4, r5);
}

uint64_t helper::sk_lookup_udp(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return find_full(r1, r2, r3, ip::udp, r4, r5);
}

uint64_t helper::skc_lookup_tcp(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    const network_socket *const found = find(r1, bytes_at(r2, r3), ip::tcp, r4, r5);
    return found != nullptr ? give(found->view) : 0;
}

uint64_t helper::sk_release(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

uint64_t helper::sk_fullsock(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const network_socket *const s = socket_at(r1);
    if (s != nullptr) return is_full(*s) ? give_again(*s, r1) : 0;
    return socket_of(r1) == nullptr ? 0 : r1;
}

uint64_t helper::tcp_sock(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const network_socket *const s = socket_at(r1);
    return s != nullptr and s->tcp ? give(*s->tcp) : 0;
}

uint64_t helper::get_listener_sock(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const network_socket *const s = socket_at(r1);
    return s != nullptr and s->view.state == tcp_state::listens ? give_again(*s, r1) : 0;
}

namespace {

/// Of a program that looks for the socket of a connection; no socket: the kernel is to go on.
int choose(socket_site &site, uint64_t socket, uint64_t flags) {
    constexpr uint64_t known_flags = BPF_SK_LOOKUP_F_REPLACE | BPF_SK_LOOKUP_F_NO_REUSEPORT;
    if ((flags & ~known_flags) != 0) return -EINVAL;
    const auto found = socket == 0 ? nullptr : socket_of(socket);
    if (socket != 0 and found == nullptr) return -EINVAL;
    if (site.chosen and (flags & BPF_SK_LOOKUP_F_REPLACE) == 0) return -EEXIST;
    site.chosen.reset();
    if (found != nullptr) site.chosen = {.socket = found->number, .flags = flags};
    return 0;
}

}  // namespace

uint64_t helper::sk_assign(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    packet_context *const p = skb_of(r1);
    socket_site *const site = scoped_socket_site::current();
    if (p == nullptr and site != nullptr) return word_of(choose(*site, r2, r3));
    const network_socket *const s = socket_at(r2);
    if (p == nullptr or s == nullptr or r3 != 0) return word_of(-EINVAL);
    if (s == &p->own_socket()) return word_of(-EOPNOTSUPP);
    p->set_socket(s);
    return 0;
}

// --- the control groups of the packet's own socket

namespace {

std::span<const uint64_t> groups_of(uint64_t context) noexcept {
    const packet_context *const p = skb_of(context);
    return p == nullptr ? std::span<const uint64_t>{} : p->control_groups();
}

/// Of a packet's own socket those that the host says; all others are in the root.
std::span<const uint64_t> groups_of_socket(uint64_t socket) noexcept {
    const packet_context *const p = packet_context::running();
    if (socket == 0 or p == nullptr) return {};
    const bool is_own = socket == reinterpret_cast<uint64_t>(p->own_view());
    return is_own ? p->control_groups() : packet_context::root_group;
}

uint64_t at_level(std::span<const uint64_t> groups, uint64_t word) noexcept {
    const auto level = static_cast<int32_t>(word);
    return level < 0 or level >= std::ssize(groups) ? 0 : groups[static_cast<std::size_t>(level)];
}

}  // namespace

uint64_t helper::skb_cgroup_id(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const auto groups = groups_of(r1);
    return groups.empty() ? 0 : groups.back();
}

uint64_t helper::skb_ancestor_cgroup_id(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    const auto groups = groups_of(r1);
    return at_level(groups, r2);
}

uint64_t helper::skb_under_cgroup(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    map &m = map_of(r2);
    const auto index = static_cast<uint32_t>(r3);
    if (m.definition().type != map_type::cgroup_array) return word_of(-EINVAL);
    const auto groups = groups_of(r1);
    if (groups.empty()) return word_of(-ENOENT);
    if (index >= m.definition().max_entries) return word_of(-E2BIG);
    const auto id = as_object_map(&m)->object_id(&index);
    if (not id) return word_of(-EAGAIN);
    return std::ranges::find(groups, uint64_t{*id}) != groups.end() ? 1 : 0;
}

// --- the packet's own socket, or the one that it was given to

uint64_t helper::get_socket_cookie(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    packet_context *const p = skb_of(r1);
    if (p == nullptr) return 0;
    const auto &owner = p->socket() != nullptr ? p->socket()->owner : p->own_socket().owner;
    return owner == nullptr ? 0 : owner->number();
}

uint64_t helper::get_socket_uid(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    constexpr uint64_t superuser = 0;
    constexpr uint64_t nobody = 65534;
    return skb_of(r1) != nullptr ? superuser : nobody;
}

uint64_t helper::get_netns_cookie(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    constexpr uint64_t first_namespace = 1;
    return first_namespace;
}

uint64_t helper::get_route_realm(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t helper::skb_cgroup_classid(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t helper::sk_cgroup_id(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const auto groups = groups_of_socket(r1);
    return groups.empty() ? 0 : groups.back();
}
uint64_t helper::sk_ancestor_cgroup_id(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return at_level(groups_of_socket(r1), r2);
}

uint64_t helper::skb_get_xfrm_state(uint64_t, uint64_t, uint64_t r3, uint64_t r4, uint64_t) {
    std::ranges::fill(bytes_at(r3, r4), uint8_t{0});
    return word_of(-EINVAL);
}

// --- the kernel's structs of sockets: none

uint64_t helper::skc_to_tcp6_sock(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t helper::skc_to_tcp_sock(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t helper::skc_to_tcp_timewait_sock(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return 0;
}
uint64_t helper::skc_to_tcp_request_sock(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return 0;
}
uint64_t helper::skc_to_udp6_sock(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t helper::skc_to_unix_sock(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t helper::skc_to_mptcp_sock(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t helper::sock_from_file(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

}  // namespace bpftime::vm::runtime
