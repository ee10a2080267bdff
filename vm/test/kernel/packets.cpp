// bpftime-vm: the packets that programs are compared on
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packets.hpp"

#include <cstddef>
#include <initializer_list>
#include <string_view>

namespace bpftime::vm::differential {

namespace {

constexpr uint8_t icmp = 1;
constexpr uint8_t tcp = 6;
constexpr uint8_t udp = 17;

bytes join(std::initializer_list<bytes> parts) {
    bytes all;
    for (const bytes &part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

bytes be16(std::size_t n) { return {static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)}; }

bytes text(std::string_view s) { return {s.begin(), s.end()}; }

/// The internet checksum.
bytes checksum(const bytes &data) {
    uint32_t sum = 0;
    for (std::size_t i = 0; i < data.size(); ++i) sum += i % 2 == 0 ? data[i] * 256U : data[i];
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return be16(~sum);
}

void put(bytes &data, std::size_t at, const bytes &what) {
    for (std::size_t i = 0; i < what.size(); ++i) data[at + i] = what[i];
}

// --- link

const bytes interface(6);
const bytes another{0x02, 0, 0, 0, 0, 0x77};
const bytes broadcast(6, 0xff);
const bytes sender{0x02, 0, 0, 0, 0, 0x01};

bytes ethernet(const bytes &to, uint16_t type) { return join({to, sender, be16(type)}); }

// --- network

struct addresses {
    bytes from;
    bytes to;
};

const addresses near4{{10, 0, 0, 1}, {10, 0, 0, 2}};
const addresses home4{{192, 168, 1, 10}, {192, 168, 1, 1}};
const addresses near6{{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                      {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
const addresses group6{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                       {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2}};

bytes ipv4(const addresses &a, uint8_t protocol, const bytes &payload, uint16_t fragment = 0x4000,
           const bytes &options = {}) {
    const std::size_t header_bytes = 20 + options.size();
    bytes header = join({{static_cast<uint8_t>(0x40 | header_bytes / 4), 0},
                         be16(header_bytes + payload.size()),
                         be16(0x1234),
                         be16(fragment),
                         {64, protocol, 0, 0},
                         a.from,
                         a.to,
                         options});
    put(header, 10, checksum(header));
    return join({header, payload});
}

bytes ipv6(const addresses &a, uint8_t next, const bytes &payload) {
    return join({{0x60, 0, 0, 0}, be16(payload.size()), {next, 64}, a.from, a.to, payload});
}

// --- transport

/// `segment` with its checksum, which is at `at`.
bytes with_checksum(const addresses &a, uint8_t protocol, bytes segment, std::size_t at) {
    put(segment, at, checksum(join({a.from, a.to, {0, protocol}, be16(segment.size()), segment})));
    return segment;
}

bytes tcp_segment(const addresses &a, uint16_t from, uint16_t to, uint8_t flags,
                  const bytes &payload) {
    return with_checksum(a, tcp,
                         join({be16(from),
                               be16(to),
                               {0, 0, 0x10, 0, 0, 0, 0, 0, 0x60, flags},
                               be16(64240),
                               {0, 0, 0, 0, 2, 4, 5, 0xb4},
                               payload}),
                         16);
}

bytes udp_datagram(const addresses &a, uint16_t from, uint16_t to, const bytes &payload) {
    return with_checksum(
        a, udp, join({be16(from), be16(to), be16(8 + payload.size()), {0, 0}, payload}), 6);
}

bytes echo_request() {
    bytes message = join({{8, 0, 0, 0, 0, 7, 0, 1}, text("abcdefghijklmnopqrstuvwxyz012345")});
    put(message, 2, checksum(message));
    return message;
}

bytes dns_query() {
    return join({{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7},
                 text("example"),
                 {3},
                 text("com"),
                 {0, 0, 1, 0, 1}});
}

bytes who_has() {
    return join({{0, 1, 8, 0, 6, 4, 0, 1}, sender, near4.from, bytes(6), near4.to, bytes(18)});
}

std::vector<named_packet> make_packets() {
    constexpr uint16_t type_ipv4 = 0x0800;
    constexpr uint16_t type_arp = 0x0806;
    constexpr uint16_t type_vlan = 0x8100;
    constexpr uint16_t type_ipv6 = 0x86dd;
    constexpr uint8_t syn = 0x02;
    constexpr uint8_t push_ack = 0x18;
    constexpr uint16_t more_fragments_at_185 = 0x20b9;
    const bytes all_agents{0x33, 0x33, 0, 1, 0, 2};
    const bytes router_alert{0x94, 4, 0, 0};
    return {
        {"tcp4", join({ethernet(interface, type_ipv4),
                       ipv4(near4, tcp, tcp_segment(near4, 40000, 80, syn, {}))})},
        {"udp4", join({ethernet(broadcast, type_ipv4),
                       ipv4(home4, udp, udp_datagram(home4, 5353, 53, dns_query()))})},
        {"icmp4", join({ethernet(interface, type_ipv4), ipv4(near4, icmp, echo_request())})},
        {"tcp6",
         join({ethernet(another, type_ipv6),
               ipv6(near6, tcp,
                    tcp_segment(near6, 40001, 443, push_ack, text("GET / HTTP/1.1\r\n")))})},
        {"udp6", join({ethernet(all_agents, type_ipv6),
                       ipv6(group6, udp, udp_datagram(group6, 546, 547, bytes(24, 0x5a)))})},
        {"arp", join({ethernet(broadcast, type_arp), who_has()})},
        {"vlan", join({ethernet(interface, type_vlan), be16(5), be16(type_ipv4),
                       ipv4(near4, udp, udp_datagram(near4, 1000, 2000, text("tagged payload")))})},
        {"fragment4",
         join({ethernet(another, type_ipv4),
               ipv4(near4, udp, bytes(32, 0x11), more_fragments_at_185, router_alert)})},
    };
}

}  // namespace

std::span<const named_packet> packets() {
    static const std::vector<named_packet> all = make_packets();
    return all;
}

}  // namespace bpftime::vm::differential
