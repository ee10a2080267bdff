// bpftime-vm: the packet that a helper is about
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/packet.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace bpftime::vm::runtime {

// Helpers look at the packet_context that runs on this thread, never at addresses in the context,
// which a program might have changed.

/// The packet whose context the word is; null if it is none of the run's.
inline packet_context *packet_of(uint64_t context) noexcept {
    packet_context *const running = packet_context::running();
    return running != nullptr and running->owns(context) ? running : nullptr;
}
inline packet_context *skb_of(uint64_t context) noexcept {
    packet_context *const found = packet_of(context);
    return found != nullptr and found->skb() != nullptr ? found : nullptr;
}
inline packet_context *xdp_of(uint64_t context) noexcept {
    packet_context *const found = packet_of(context);
    return found != nullptr and found->xdp() != nullptr ? found : nullptr;
}

/// `size` bytes at `offset` of the packet; empty if they are not all there.
inline std::span<uint8_t> part_of(const packet_context &p, uint64_t offset,
                                  uint64_t size) noexcept {
    const auto all = p.packet();
    const bool is_inside = offset <= all.size() and size <= all.size() - offset;
    return is_inside ? all.subspan(offset, size) : std::span<uint8_t>{};
}

// --- numbers of packets

/// To network byte order, and back.
constexpr uint16_t network_order(uint16_t n) noexcept { return std::byteswap(n); }
constexpr uint32_t network_order(uint32_t n) noexcept { return std::byteswap(n); }

/// The number of type T that the bytes at `at` are, as they are.
template <typename T>
T number_at(const uint8_t *at) noexcept {
    T n{};
    std::memcpy(&n, at, sizeof n);
    return n;
}
template <typename T>
void put_number(uint8_t *at, T n) noexcept {
    std::memcpy(at, &n, sizeof n);
}

namespace ethernet {
inline constexpr std::size_t address_bytes = 6;
inline constexpr std::size_t type_offset = 12;
inline constexpr std::size_t header_bytes = 14;
inline constexpr uint16_t ipv4 = 0x0800;
inline constexpr uint16_t vlan = 0x8100;
inline constexpr uint16_t ipv6 = 0x86dd;
inline constexpr uint16_t outer_vlan = 0x88a8;
/// Smaller numbers at type_offset are lengths (IEEE 802.3).
inline constexpr uint16_t least_type = 0x0600;
}  // namespace ethernet

namespace ip {
inline constexpr std::size_t ipv4_header_bytes = 20;
inline constexpr std::size_t ipv6_header_bytes = 40;
inline constexpr uint8_t tcp = 6;
inline constexpr uint8_t udp = 17;
inline constexpr uint8_t sctp = 132;
}  // namespace ip

/// The type of a frame whose type field is `type`, followed by `rest`: as the kernel has it in
/// skb->protocol, in host byte order.
[[nodiscard]] constexpr uint16_t frame_protocol(uint16_t type,
                                                std::span<const uint8_t> rest) noexcept {
    constexpr uint16_t type_802_3 = 1;  // what the kernel calls packets without a type
    constexpr uint16_t type_802_2 = 4;
    if (type >= ethernet::least_type) return type;
    const bool is_raw = rest.size() >= 2 and rest[0] == 0xff and rest[1] == 0xff;
    return is_raw ? type_802_3 : type_802_2;
}

}  // namespace bpftime::vm::runtime
