// bpftime-vm: the network that programs ask about: interfaces, routes, neighbours, sockets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/storage_owner.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace bpftime::vm::runtime {

/// An address of IPv4 (4 bytes) or IPv6 (16).
class ip_address {
public:
    ip_address() = default;
    /// `bytes`: 4 or 16 of them, in network byte order.
    explicit ip_address(std::span<const uint8_t> bytes) noexcept;
    /// As inet_pton() reads it; none if it does not.
    [[nodiscard]] static std::optional<ip_address> parse(const char *text) noexcept;

    [[nodiscard]] bool is_ipv6() const noexcept { return size_ > 4; }
    [[nodiscard]] std::span<const uint8_t> bytes() const noexcept { return {bytes_.data(), size_}; }
    /// Whether all bits are 0: any address.
    [[nodiscard]] bool is_any() const noexcept;
    /// Whether it is of the same version and begins with the first `length` bits of `prefix`.
    [[nodiscard]] bool begins_with(const ip_address &prefix, uint32_t length) const noexcept;

    friend bool operator==(const ip_address &, const ip_address &) = default;

private:
    std::array<uint8_t, 16> bytes_{};
    std::size_t size_ = 4;
};

/// Addresses that begin alike.
struct ip_prefix {
    ip_address address{};
    uint32_t length = 0;  ///< bits

    /// "192.0.2.0/24"; none if it is not written so.
    [[nodiscard]] static std::optional<ip_prefix> parse(std::string_view text);
};

using link_address = std::array<uint8_t, 6>;

struct network_interface {
    uint32_t index = 0;
    link_address address{};
    uint32_t mtu = 1500;
    uint32_t link_header_bytes = 14;
    bool forwards_ipv4 = true;
    bool forwards_ipv6 = true;
    std::vector<ip_address> addresses{};
};

enum class route_kind : uint8_t { unicast, local, blackhole, unreachable, prohibit };

/// Numbers of routing tables. Lookups ask the three in this order.
enum route_table : uint32_t { local_table = 255, main_table = 254, default_table = 253 };

struct network_route {
    ip_address prefix{};
    uint32_t prefix_length = 0;
    uint32_t interface = 0;  ///< 0: none, as it leads nowhere
    std::optional<ip_address> gateway{};
    std::optional<ip_address> source{};  ///< preferred
    uint32_t mtu = 0;                    ///< locked; 0: the interface's
    uint32_t metric = 0;                 ///< of equal prefixes the lowest counts
    route_kind kind = route_kind::unicast;
    uint32_t table = main_table;
};

struct network_neighbour {
    uint32_t interface = 0;
    ip_address address{};
    link_address link{};
};

/// What programs see of a socket: struct bpf_sock of linux/bpf.h, with its names.
struct socket_view {
    uint32_t bound_dev_if = 0;
    uint32_t family = 0;
    uint32_t type = 0;
    uint32_t protocol = 0;
    uint32_t mark = 0;
    uint32_t priority = 0;
    uint32_t src_ip4 = 0;  ///< its own address, in network byte order
    uint32_t src_ip6[4] = {};
    uint32_t src_port = 0;  ///< in host byte order
    uint16_t dst_port = 0;  ///< in network byte order
    uint16_t reserved = 0;
    uint32_t dst_ip4 = 0;
    uint32_t dst_ip6[4] = {};
    uint32_t state = 0;
    int32_t rx_queue_mapping = -1;
};

/// And of its connection: struct bpf_tcp_sock.
struct tcp_view {
    uint32_t snd_cwnd = 0;
    uint32_t srtt_us = 0;
    uint32_t rtt_min = 0;
    uint32_t snd_ssthresh = 0;
    uint32_t rcv_nxt = 0;
    uint32_t snd_nxt = 0;
    uint32_t snd_una = 0;
    uint32_t mss_cache = 0;
    uint32_t ecn_flags = 0;
    uint32_t rate_delivered = 0;
    uint32_t rate_interval_us = 0;
    uint32_t packets_out = 0;
    uint32_t retrans_out = 0;
    uint32_t total_retrans = 0;
    uint32_t segs_in = 0;
    uint32_t data_segs_in = 0;
    uint32_t segs_out = 0;
    uint32_t data_segs_out = 0;
    uint32_t lost_out = 0;
    uint32_t sacked_out = 0;
    uint64_t bytes_received = 0;
    uint64_t bytes_acked = 0;
    uint32_t dsack_dups = 0;
    uint32_t delivered = 0;
    uint32_t delivered_ce = 0;
    uint32_t icsk_retransmits = 0;
};

/// A socket of TCP or UDP, by its ends; ports in host byte order.
struct socket_ends {
    uint32_t protocol = 0;  ///< of IP: 6 or 17
    ip_address local{};
    uint16_t local_port = 0;
    std::optional<ip_address> remote{};  ///< none: it is not connected
    uint16_t remote_port = 0;
};
/// What programs see of it: connected, or waiting for connections.
[[nodiscard]] socket_view view_of(const socket_ends &ends) noexcept;

struct network_socket {
    socket_view view{};
    std::optional<tcp_view> tcp{};  ///< of a TCP socket
    /// Whose values maps of local storage keep, of kind socket; null: network::add() makes one.
    std::shared_ptr<const storage_owner> owner{};
};

/// Both ends of a connection; ports in host byte order.
struct network_connection {
    uint32_t protocol = 0;  ///< of IP
    ip_address local{};
    ip_address remote{};
    uint16_t local_port = 0;
    uint16_t remote_port = 0;
    uint32_t interface = 0;  ///< that its packets come in on
};

/// Finds the socket that packets of a connection go to; null: it knows none. Called by helpers, on
/// the threads that run programs, at once by several; it must not throw. What it finds stays until
/// the next run on the packet, and of more than 1,024 different ones the others count as none. A
/// socket without an owner has no values in maps of local storage.
using socket_lookup =
    std::function<std::shared_ptr<const network_socket>(const network_connection &)>;

/// A host's network, as far as programs can ask. It is what its host says and not the machine's:
/// the same program gives the same answer everywhere. Runs only read it; it must not change then.
class network {
public:
    /// Has the loopback interface alone, with index 1, which does not forward.
    network();
    /// What packets are in unless their host says otherwise: network{}.
    [[nodiscard]] static const network &loopback_only();

    /// Replaces the one with its index.
    void add(network_interface interface);
    void add(const network_route &route);
    void add(const network_neighbour &neighbour);
    void add(const network_socket &socket);

    /// Null if there is none.
    [[nodiscard]] const network_interface *find_interface(uint32_t index) const noexcept;
    /// The route to an address: that with the longest prefix. `out`, if it is not 0: through this
    /// interface; of IPv6, as in the kernel, only rather than through another one.
    [[nodiscard]] const network_route *find_route(const ip_address &to, uint32_t table,
                                                  uint32_t out) const noexcept;
    [[nodiscard]] const network_neighbour *find_neighbour(uint32_t interface,
                                                          const ip_address &address) const noexcept;

    /// Asks it first for sockets of connections, and then those that were added. Empty: nobody.
    void set_socket_lookup(socket_lookup lookup) { lookup_ = std::move(lookup); }
    /// What it finds; null: nothing, or nobody is asked.
    [[nodiscard]] std::shared_ptr<const network_socket> look_up_socket(
        const network_connection &c) const {
        return lookup_ ? lookup_(c) : nullptr;
    }

    /// The socket that packets of the connection go to, of those that were added: one that is
    /// connected, or one that waits for connections. Null if there is none.
    [[nodiscard]] const network_socket *find_socket(const network_connection &c) const noexcept;
    /// The socket whose view is there; null if there is none.
    [[nodiscard]] const network_socket *find_socket(const void *view) const noexcept;
    /// The socket whose owner has the number; null if there is none.
    [[nodiscard]] const network_socket *find_numbered_socket(uint32_t number) const noexcept;

private:
    std::vector<network_interface> interfaces_;
    std::vector<network_route> routes_;
    std::vector<network_neighbour> neighbours_;
    std::deque<network_socket> sockets_;  ///< which programs have addresses of
    socket_lookup lookup_;
};

}  // namespace bpftime::vm::runtime
