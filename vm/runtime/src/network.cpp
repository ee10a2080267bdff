// bpftime-vm: the network that programs ask about
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/network.hpp"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

namespace bpftime::vm::runtime {

static_assert(sizeof(socket_view) == sizeof(bpf_sock));
static_assert(offsetof(socket_view, src_port) == offsetof(bpf_sock, src_port));
static_assert(offsetof(socket_view, dst_ip6) == offsetof(bpf_sock, dst_ip6));
static_assert(offsetof(socket_view, rx_queue_mapping) == offsetof(bpf_sock, rx_queue_mapping));
static_assert(sizeof(tcp_view) == sizeof(bpf_tcp_sock));
static_assert(offsetof(tcp_view, segs_in) == offsetof(bpf_tcp_sock, segs_in));
static_assert(offsetof(tcp_view, bytes_acked) == offsetof(bpf_tcp_sock, bytes_acked));
static_assert(offsetof(tcp_view, icsk_retransmits) == offsetof(bpf_tcp_sock, icsk_retransmits));

ip_address::ip_address(std::span<const uint8_t> bytes) noexcept
    : size_{bytes.size() == 4 ? 4U : 16U} {
    std::ranges::copy(bytes.first(std::min(bytes.size(), size_)), bytes_.begin());
}

std::optional<ip_address> ip_address::parse(const char *text) noexcept {
    std::array<uint8_t, 16> bytes{};
    if (inet_pton(AF_INET, text, bytes.data()) == 1) return ip_address{std::span{bytes}.first(4)};
    if (inet_pton(AF_INET6, text, bytes.data()) == 1) return ip_address{bytes};
    return {};
}

std::optional<ip_prefix> ip_prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == text.npos) return {};
    const auto address = ip_address::parse(std::string{text.substr(0, slash)}.c_str());
    const char *const end = text.data() + text.size();
    uint32_t length = 0;
    const auto [stop, failed] = std::from_chars(text.data() + slash + 1, end, length);
    if (not address or failed != std::errc{} or stop != end) return {};
    if (length > address->bytes().size() * 8) return {};
    return ip_prefix{*address, length};
}

bool ip_address::is_any() const noexcept {
    return std::ranges::all_of(bytes_, [](uint8_t byte) { return byte == 0; });
}

bool ip_address::begins_with(const ip_address &prefix, uint32_t length) const noexcept {
    if (size_ != prefix.size_ or length > size_ * 8) return false;
    const auto mine = bytes();
    const auto theirs = prefix.bytes();
    const std::size_t whole = length / 8;
    if (not std::ranges::equal(mine.first(whole), theirs.first(whole))) return false;
    const unsigned rest = length % 8;
    return rest == 0 or (mine[whole] ^ theirs[whole]) >> (8 - rest) == 0;
}

network::network() {
    constexpr uint32_t loopback = 1;
    constexpr uint32_t loopback_mtu = 65536;
    add(network_interface{
        .index = loopback, .mtu = loopback_mtu, .forwards_ipv4 = false, .forwards_ipv6 = false});
}

const network &network::loopback_only() {
    static const network only;
    return only;
}

void network::add(network_interface interface) {
    const auto there = std::ranges::find(interfaces_, interface.index, &network_interface::index);
    if (there != interfaces_.end()) {
        *there = std::move(interface);
    } else {
        interfaces_.push_back(std::move(interface));
    }
}

void network::add(const network_route &route) { routes_.push_back(route); }
void network::add(const network_neighbour &neighbour) { neighbours_.push_back(neighbour); }
void network::add(const network_socket &socket) {
    sockets_.push_back(socket);
    auto &owner = sockets_.back().owner;
    if (owner == nullptr) owner = std::make_shared<const storage_owner>(owner_kind::socket);
}

const network_interface *network::find_interface(uint32_t index) const noexcept {
    const auto at = std::ranges::find(interfaces_, index, &network_interface::index);
    return at == interfaces_.end() ? nullptr : &*at;
}

const network_route *network::find_route(const ip_address &to, uint32_t table,
                                         uint32_t out) const noexcept {
    const auto leads_there = [out](const network_route &r) {
        return out == 0 or r.interface == 0 or r.interface == out;
    };
    const auto is_better = [&](const network_route &a, const network_route &b) {
        if (a.prefix_length != b.prefix_length) return a.prefix_length > b.prefix_length;
        if (a.metric != b.metric) return a.metric < b.metric;
        return leads_there(a) and not leads_there(b);
    };
    const network_route *best = nullptr;
    for (const network_route &r : routes_) {
        const bool fits = r.table == table and (to.is_ipv6() or leads_there(r)) and
                          to.begins_with(r.prefix, r.prefix_length);
        if (fits and (best == nullptr or is_better(r, *best))) best = &r;
    }
    return best;
}

const network_neighbour *network::find_neighbour(uint32_t interface,
                                                 const ip_address &address) const noexcept {
    const auto at = std::ranges::find_if(neighbours_, [&](const network_neighbour &n) {
        return n.interface == interface and n.address == address;
    });
    return at == neighbours_.end() ? nullptr : &*at;
}

// --- sockets

namespace {

void put_address(const ip_address &from, uint32_t &ipv4, uint32_t (&ipv6)[4]) noexcept {
    if (from.is_ipv6())
        std::memcpy(ipv6, from.bytes().data(), sizeof ipv6);
    else
        std::memcpy(&ipv4, from.bytes().data(), sizeof ipv4);
}

uint32_t state_of(const socket_ends &ends) noexcept {
    if (ends.remote) return BPF_TCP_ESTABLISHED;
    return ends.protocol == IPPROTO_TCP ? BPF_TCP_LISTEN : BPF_TCP_CLOSE;
}

}  // namespace

socket_view view_of(const socket_ends &ends) noexcept {
    const bool is_tcp = ends.protocol == IPPROTO_TCP;
    socket_view view{.family = ends.local.is_ipv6() ? uint32_t{AF_INET6} : uint32_t{AF_INET},
                     .type = is_tcp ? uint32_t{SOCK_STREAM} : uint32_t{SOCK_DGRAM},
                     .protocol = ends.protocol,
                     .src_port = ends.local_port,
                     .dst_port = std::byteswap(ends.remote_port),
                     .state = state_of(ends)};
    put_address(ends.local, view.src_ip4, view.src_ip6);
    if (ends.remote) put_address(*ends.remote, view.dst_ip4, view.dst_ip6);
    return view;
}

namespace {

ip_address address_of(const socket_view &s, uint32_t ipv4, const uint32_t (&ipv6)[4]) noexcept {
    return s.family == AF_INET6
               ? ip_address{{reinterpret_cast<const uint8_t *>(&ipv6), sizeof ipv6}}
               : ip_address{{reinterpret_cast<const uint8_t *>(&ipv4), sizeof ipv4}};
}

/// How well a socket fits; 0: not at all. One that is connected beats one that is not, one with an
/// address one without.
unsigned score(const socket_view &s, const network_connection &c) noexcept {
    const ip_address local = address_of(s, s.src_ip4, s.src_ip6);
    const ip_address remote = address_of(s, s.dst_ip4, s.dst_ip6);
    if (s.protocol != c.protocol or s.src_port != c.local_port) return 0;
    if (s.bound_dev_if != 0 and s.bound_dev_if != c.interface) return 0;
    // A socket of IPv6 without an address takes IPv4, too.
    const bool fits = local == c.local or (local.is_any() and local.is_ipv6() >= c.local.is_ipv6());
    if (not fits) return 0;
    unsigned points = 1;
    if (s.dst_port != 0) {
        const bool is_its = remote == c.remote and std::byteswap(s.dst_port) == c.remote_port;
        if (not is_its) return 0;
        points += 8;
    }
    points += local.is_any() ? 0U : 4U;
    points += s.bound_dev_if != 0 ? 2U : 0U;
    return points + (local.is_ipv6() == c.local.is_ipv6() ? 1U : 0U);
}

}  // namespace

const network_socket *network::find_socket(const network_connection &c) const noexcept {
    const network_socket *best = nullptr;
    unsigned most = 0;
    for (const network_socket &s : sockets_) {
        const unsigned points = score(s.view, c);
        if (points <= most) continue;
        best = &s;
        most = points;
    }
    return best;
}

const network_socket *network::find_socket(const void *view) const noexcept {
    const auto at =
        std::ranges::find_if(sockets_, [view](const network_socket &s) { return &s.view == view; });
    return at == sockets_.end() ? nullptr : &*at;
}

const network_socket *network::find_numbered_socket(uint32_t number) const noexcept {
    const auto at = std::ranges::find_if(
        sockets_, [number](const network_socket &s) { return s.owner->number() == number; });
    return at == sockets_.end() ? nullptr : &*at;
}

}  // namespace bpftime::vm::runtime
