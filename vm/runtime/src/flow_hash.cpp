// bpftime-vm: a number for the flow that a packet belongs to
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "flow_hash.hpp"

#include "helper_packets.hpp"

#include <algorithm>

namespace bpftime::vm::runtime {

namespace {

/// FNV-1a.
class hasher {
public:
    void add(std::span<const uint8_t> data) noexcept {
        for (const uint8_t byte : data) value_ = (value_ ^ byte) * 0x01000193;
    }
    void add(uint8_t byte) noexcept { add(std::span{&byte, 1}); }

    /// Spreads what is in the last bytes, and avoids 0.
    [[nodiscard]] uint32_t finish() const noexcept {
        uint32_t h = value_ ^ value_ >> 16;
        h *= 0x85ebca6b;
        h ^= h >> 13;
        return std::max(h, uint32_t{1});
    }

private:
    uint32_t value_ = 0x811c9dc5;
};

bool has_ports(uint8_t transport) noexcept {
    return transport == ip::tcp or transport == ip::udp or transport == ip::sctp;
}

void add_ports(hasher &h, uint8_t transport, std::span<const uint8_t> rest) noexcept {
    constexpr std::size_t port_bytes = 4;
    h.add(transport);
    if (has_ports(transport) and rest.size() >= port_bytes) h.add(rest.first(port_bytes));
}

void add_ipv4(hasher &h, std::span<const uint8_t> packet) noexcept {
    constexpr uint16_t fragment_mask = 0x3fff;  // offset, and whether more follow
    const std::size_t header = std::size_t{packet[0] & 0xfU} * 4;
    const bool is_fragment = (network_order(number_at<uint16_t>(&packet[6])) & fragment_mask) != 0;
    h.add(packet.subspan(12, 8));
    add_ports(h, packet[9],
              is_fragment or header > packet.size() ? std::span<const uint8_t>{}
                                                    : packet.subspan(header));
}

void add_ipv6(hasher &h, std::span<const uint8_t> packet) noexcept {
    h.add(packet.subspan(8, 32));
    add_ports(h, packet[6], packet.subspan(ip::ipv6_header_bytes));
}

}  // namespace

uint32_t flow_hash(uint16_t protocol, std::span<const uint8_t> packet) noexcept {
    hasher h;
    h.add(static_cast<uint8_t>(protocol >> 8));
    h.add(static_cast<uint8_t>(protocol));
    if (protocol == ethernet::ipv4 and packet.size() >= ip::ipv4_header_bytes) add_ipv4(h, packet);
    if (protocol == ethernet::ipv6 and packet.size() >= ip::ipv6_header_bytes) add_ipv6(h, packet);
    return h.finish();
}

}  // namespace bpftime::vm::runtime
