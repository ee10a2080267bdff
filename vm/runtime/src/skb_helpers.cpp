// bpftime-vm: the helpers that change how a packet with an __sk_buff is made up
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "flow_hash.hpp"
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_words.hpp"

#include <linux/if_packet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <expected>

namespace bpftime::vm::runtime {

namespace {

/// No program makes a packet longer (SKB_MAX_ALLOC, with pages of 4 KiB).
constexpr uint64_t most_packet_bytes = 16064;

/// A packet that the program may write; the error is a negative errno.
std::expected<packet_context *, int> writable_skb(uint64_t context) noexcept {
    packet_context *const p = skb_of(context);
    if (p == nullptr) return std::unexpected{-EINVAL};
    if (not allows_write(p->allowed())) return std::unexpected{-EPERM};
    return p;
}

uint16_t protocol_of(packet_context &p) noexcept {
    return network_order(static_cast<uint16_t>(p.skb()->protocol));
}
void set_protocol(packet_context &p, uint16_t protocol) noexcept {
    p.skb()->protocol = network_order(protocol);
}

/// Bytes from the packet's begin to a header, which may lie before.
int64_t offset_of(const packet_context &p, const uint8_t *header) noexcept {
    return header - p.packet().data();
}

std::size_t link_bytes(const packet_context &p) noexcept {
    return static_cast<std::size_t>(p.headers().network - p.headers().link);
}

/// Moves the headers that everything is counted from; a transport header that begins where the
/// network header does goes along.
void move_headers(packet_context &p, int64_t by) noexcept {
    packet_headers &h = p.headers();
    const bool moves_transport = h.transport == h.network;
    h.link += by;
    h.network += by;
    if (moves_transport) h.transport = h.network;
}

int insert_after_link(packet_context &p, std::size_t at, std::size_t bytes) {
    const int failed = p.insert(at, bytes);
    if (failed == 0) move_headers(p, -static_cast<int64_t>(bytes));
    return failed;
}

int erase_after_link(packet_context &p, std::size_t at, std::size_t bytes) {
    const int failed = p.erase(at, bytes);
    if (failed == 0) move_headers(p, static_cast<int64_t>(bytes));
    return failed;
}

void forget_checksums(packet_context &p) noexcept { p.checksums() = {}; }

}  // namespace

// --- length

uint64_t helper::skb_pull_data(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    const packet_context *const p = skb_of(r1);
    if (p == nullptr) return word_of(-EINVAL);
    return word_of(static_cast<uint32_t>(r2) > p->packet().size() ? -ENOMEM : 0);
}

namespace {

int change_tail(packet_context &p, uint32_t bytes, uint64_t flags) {
    const packet_headers &h = p.headers();
    const int64_t least = offset_of(p, h.transport != nullptr ? h.transport : h.network);
    if (flags != 0 or bytes > most_packet_bytes or bytes < std::max<int64_t>(least, 0))
        return -EINVAL;
    return p.is_encapsulated() ? -not_supported : p.resize(bytes);
}

int change_head(packet_context &p, uint32_t room, uint64_t flags) {
    constexpr uint32_t sign_bit = uint32_t{1} << 31;
    if (flags != 0 or (room & sign_bit) != 0 or p.packet().size() + room > most_packet_bytes)
        return -EINVAL;
    const int failed = p.insert(0, room);
    if (failed == 0) p.headers().link = p.packet().data();
    return failed;
}

}  // namespace

uint64_t helper::skb_change_tail(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    const auto p = writable_skb(r1);
    return word_of(p ? change_tail(**p, static_cast<uint32_t>(r2), r3) : p.error());
}

uint64_t helper::skb_change_head(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    const auto p = writable_skb(r1);
    return word_of(p ? change_head(**p, static_cast<uint32_t>(r2), r3) : p.error());
}

// --- protocol

namespace {

int change_protocol(packet_context &p, uint16_t to) {
    constexpr std::size_t difference = ip::ipv6_header_bytes - ip::ipv4_header_bytes;
    const uint16_t from = protocol_of(p);
    int failed = -not_supported;
    if (from == ethernet::ipv4 and to == ethernet::ipv6)
        failed = insert_after_link(p, link_bytes(p), difference);
    if (from == ethernet::ipv6 and to == ethernet::ipv4)
        failed = erase_after_link(p, link_bytes(p), difference);
    if (failed != 0) return failed;
    set_protocol(p, to);
    p.set_hash({});
    return 0;
}

}  // namespace

uint64_t helper::skb_change_proto(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    if (r3 != 0) return word_of(-EINVAL);
    const auto p = writable_skb(r1);
    const uint16_t to = network_order(static_cast<uint16_t>(r2));
    return word_of(p ? change_protocol(**p, to) : p.error());
}

uint64_t helper::skb_change_type(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    packet_context *const p = skb_of(r1);
    const auto type = static_cast<uint32_t>(r2);
    if (p == nullptr or p->skb()->pkt_type > PACKET_OTHERHOST or type > PACKET_OTHERHOST)
        return word_of(-EINVAL);
    p->skb()->pkt_type = type;
    return 0;
}

// --- room for tunnels

namespace {

enum room_flag : uint64_t {
    room_fixed_gso = 1 << 0,
    room_encap_ipv4 = 1 << 1,
    room_encap_ipv6 = 1 << 2,
    room_encap_gre = 1 << 3,
    room_encap_udp = 1 << 4,
    room_keep_checksums = 1 << 5,
    room_encap_ethernet = 1 << 6,
    room_decap_ipv4 = 1 << 7,
    room_decap_ipv6 = 1 << 8,
};
constexpr uint64_t room_encap = room_encap_ipv4 | room_encap_ipv6;
constexpr uint64_t room_decap = room_decap_ipv4 | room_decap_ipv6;
constexpr unsigned room_link_shift = 56;  ///< the bits above: bytes of an inner link header
constexpr uint64_t room_flags = room_fixed_gso | room_encap | room_encap_gre | room_encap_udp |
                                room_encap_ethernet | room_decap |
                                uint64_t{0xff} << room_link_shift;

bool has_all(uint64_t flags, uint64_t wanted) noexcept { return (flags & wanted) == wanted; }

std::size_t network_bytes(uint16_t protocol) noexcept {
    return protocol == ethernet::ipv4 ? ip::ipv4_header_bytes : ip::ipv6_header_bytes;
}

int check_encap(packet_context &p, std::size_t bytes, uint64_t flags) noexcept {
    const auto inner_link = static_cast<std::size_t>(flags >> room_link_shift);
    if (has_all(flags, room_encap) or has_all(flags, room_encap_gre | room_encap_udp))
        return -EINVAL;
    if ((flags & room_encap_ethernet) != 0 and inner_link < ethernet::header_bytes) return -EINVAL;
    if (p.is_encapsulated()) return -EALREADY;
    return inner_link > bytes ? -EINVAL : 0;
}

int grow(packet_context &p, std::size_t at, std::size_t bytes, uint64_t flags) {
    const bool encap = (flags & room_encap) != 0;
    if (encap) {
        if (const int failed = check_encap(p, bytes, flags)) return failed;
    }
    const std::size_t link = link_bytes(p);
    if (const int failed = insert_after_link(p, at, bytes)) return failed;
    if (not encap) return 0;
    const uint16_t outer = (flags & room_encap_ipv6) != 0 ? ethernet::ipv6 : ethernet::ipv4;
    p.is_encapsulated() = true;
    p.headers().network = p.packet().data() + link;
    if ((flags & (room_encap_gre | room_encap_udp)) != 0)
        p.headers().transport = p.headers().network + network_bytes(outer);
    set_protocol(p, outer);
    return 0;
}

int shrink(packet_context &p, std::size_t at, std::size_t bytes, uint64_t flags) {
    if ((flags & ~(room_fixed_gso | room_decap | room_keep_checksums)) != 0) return -EINVAL;
    if (const int failed = erase_after_link(p, at, bytes)) return failed;
    if ((flags & room_decap_ipv6) != 0) set_protocol(p, ethernet::ipv6);
    if ((flags & room_decap_ipv4) != 0) set_protocol(p, ethernet::ipv4);
    return 0;
}

int check_room(packet_context &p, int64_t difference, uint64_t flags) noexcept {
    std::size_t least = network_bytes(protocol_of(p));
    if ((flags & room_decap) != 0) {
        if (difference >= 0 or has_all(flags, room_decap)) return -EINVAL;
        least = network_bytes((flags & room_decap_ipv4) != 0 ? ethernet::ipv4 : ethernet::ipv6);
    }
    const int64_t now = std::ssize(p.packet()) - offset_of(p, p.headers().network);
    const int64_t then = now + difference;
    const bool too_short = difference < 0 and (then <= 0 or then < static_cast<int64_t>(least));
    const int64_t all = std::ssize(p.packet()) + difference;
    const bool too_long = difference >= 0 and all > static_cast<int64_t>(most_packet_bytes);
    return too_short or too_long ? -not_supported : 0;
}

int adjust_room(packet_context &p, int64_t difference, uint32_t mode, uint64_t flags) {
    constexpr int64_t most_difference = 0xfff;
    constexpr uint32_t after_network_header = 0;
    constexpr uint32_t after_link_header = 1;
    if ((flags & ~(room_flags | room_keep_checksums)) != 0) return -EINVAL;
    if (std::abs(difference) > most_difference) return -EFAULT;
    const uint16_t protocol = protocol_of(p);
    if (protocol != ethernet::ipv4 and protocol != ethernet::ipv6) return -not_supported;
    if (mode != after_network_header and mode != after_link_header) return -not_supported;
    if (const int failed = check_room(p, difference, flags)) return failed;
    const std::size_t at =
        link_bytes(p) + (mode == after_network_header ? network_bytes(protocol) : 0);
    const auto bytes = static_cast<std::size_t>(std::abs(difference));
    const int failed = difference < 0 ? shrink(p, at, bytes, flags) : grow(p, at, bytes, flags);
    if (failed == 0 and (flags & room_keep_checksums) == 0) forget_checksums(p);
    return failed;
}

/// The simpler one of programs that parse streams.
int adjust_stream_room(packet_context &p, int64_t difference, uint32_t mode, uint64_t flags) {
    constexpr int64_t most_difference = 0xfff;
    if (flags != 0 or mode != 0) return -EINVAL;
    if (std::abs(difference) > most_difference) return -EFAULT;
    const auto bytes = static_cast<std::size_t>(std::abs(difference));
    return difference < 0 ? p.erase(0, bytes) : p.insert(0, bytes);
}

}  // namespace

uint64_t helper::skb_adjust_room(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto p = writable_skb(r1);
    if (not p) return word_of(p.error());
    const bool is_stream = (*p)->type() == object::program_type::sk_skb;
    return word_of((is_stream ? adjust_stream_room : adjust_room)(**p, static_cast<int32_t>(r2),
                                                                  static_cast<uint32_t>(r3), r4));
}

// --- a header of IP before all

namespace {

unsigned ip_version(std::span<const uint8_t> header) noexcept { return header[0] >> 4; }

/// Where the header's version says that it ends; 0: it is none, or not whole.
std::size_t ip_header_bytes(std::span<const uint8_t> header) noexcept {
    std::size_t bytes = 0;
    if (ip_version(header) == 4) bytes = std::size_t{4} * (header[0] & 0xfU);
    if (ip_version(header) == 6) bytes = ip::ipv6_header_bytes;
    return bytes <= header.size() ? bytes : 0;
}

void fill_ipv4_checksum(std::span<uint8_t> header) noexcept {
    constexpr std::size_t checksum_offset = 10;
    if (header.size() < ip::ipv4_header_bytes or
        number_at<uint16_t>(&header[checksum_offset]) != 0) {
        return;
    }
    uint32_t sum = 0;
    for (std::size_t i = 0; i < header.size(); i += 2) sum += number_at<uint16_t>(&header[i]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    put_number(&header[checksum_offset], static_cast<uint16_t>(~sum));
}

int push_ip_header(packet_context &p, std::span<const uint8_t> header) {
    constexpr std::size_t most_header_bytes = 256;
    if (header.size() < ip::ipv4_header_bytes or header.size() > most_header_bytes) return -EINVAL;
    const std::size_t bytes = ip_header_bytes(header);
    if (bytes == 0) return -EINVAL;
    if (const int failed = p.insert(0, header.size())) return failed;
    std::ranges::copy(header, p.packet().begin());
    p.is_encapsulated() = true;
    p.headers().network = p.packet().data();
    p.set_hash({});
    const bool is_ipv4 = ip_version(header) == 4;
    set_protocol(p, is_ipv4 ? ethernet::ipv4 : ethernet::ipv6);
    if (is_ipv4) fill_ipv4_checksum(p.packet().first(bytes));
    return 0;
}

}  // namespace

uint64_t helper::lwt_push_encap(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    constexpr uint32_t encap_ip = 2;  // BPF_LWT_ENCAP_IP; the others are of segment routing
    packet_context *const p = skb_of(r1);
    if (p == nullptr or static_cast<uint32_t>(r2) != encap_ip) return word_of(-EINVAL);
    const bool may =
        p->type() == object::program_type::lwt_in or p->type() == object::program_type::lwt_xmit;
    return word_of(may ? push_ip_header(*p, bytes_at(r3, r4)) : -EINVAL);
}

// --- VLAN tags: the outermost is beside the packet, others are in it

namespace {

constexpr std::size_t tag_bytes = 4;

bool is_vlan(uint16_t protocol) noexcept {
    return protocol == ethernet::vlan or protocol == ethernet::outer_vlan;
}

void set_tag(packet_context &p, uint16_t protocol, uint16_t tag) noexcept {
    skb_context &c = *p.skb();
    c.vlan_present = 1;
    c.vlan_proto = network_order(protocol);
    c.vlan_tci = tag;
}

/// Puts the tag beside the packet into it.
int insert_tag(packet_context &p) {
    if (p.headers().link != p.packet().data()) return -EINVAL;
    if (const int failed = p.insert(ethernet::type_offset, tag_bytes)) return failed;
    const skb_context &c = *p.skb();
    uint8_t *const tag = p.packet().data() + ethernet::type_offset;
    put_number(tag, static_cast<uint16_t>(c.vlan_proto));
    put_number(tag + sizeof(uint16_t), network_order(static_cast<uint16_t>(c.vlan_tci)));
    p.headers().link -= tag_bytes;
    p.headers().network -= tag_bytes;
    p.skb()->protocol = c.vlan_proto;
    return 0;
}

/// Takes a tag out of the packet; the error is a negative errno.
std::expected<uint16_t, int> erase_tag(packet_context &p) {
    constexpr std::size_t tag_offset = ethernet::type_offset + sizeof(uint16_t);
    packet_headers &h = p.headers();
    if (h.link != p.packet().data()) return std::unexpected{-EINVAL};
    if (p.packet().size() < ethernet::header_bytes + tag_bytes) return std::unexpected{-ENOMEM};
    const auto tag = network_order(number_at<uint16_t>(p.packet().data() + tag_offset));
    if (const int failed = p.erase(ethernet::type_offset, tag_bytes))
        return std::unexpected{failed};
    h.link += tag_bytes;
    h.network = std::max(h.network, h.link + ethernet::header_bytes);
    const auto type = number_at<uint16_t>(p.packet().data() + ethernet::type_offset);
    set_protocol(p,
                 frame_protocol(network_order(type), p.packet().subspan(ethernet::header_bytes)));
    return tag;
}

int push_tag(packet_context &p, uint16_t protocol, uint16_t tag) {
    if (p.skb()->vlan_present != 0) {
        if (const int failed = insert_tag(p)) return failed;
    }
    set_tag(p, is_vlan(protocol) ? protocol : ethernet::vlan, tag);
    return 0;
}

int pop_tag(packet_context &p) {
    skb_context &c = *p.skb();
    if (c.vlan_present != 0) {
        c.vlan_present = 0;
        c.vlan_tci = 0;
    } else {
        if (not is_vlan(protocol_of(p))) return 0;
        if (const auto gone = erase_tag(p); not gone) return gone.error();
    }
    const uint16_t protocol = protocol_of(p);
    if (not is_vlan(protocol)) return 0;
    const auto next = erase_tag(p);
    if (not next) return next.error();
    set_tag(p, protocol, *next);
    return 0;
}

}  // namespace

uint64_t helper::skb_vlan_push(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    const auto p = writable_skb(r1);
    return word_of(
        p ? push_tag(**p, network_order(static_cast<uint16_t>(r2)), static_cast<uint16_t>(r3))
          : p.error());
}

uint64_t helper::skb_vlan_pop(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const auto p = writable_skb(r1);
    return word_of(p ? pop_tag(**p) : p.error());
}

// --- checksums that somebody else has looked at

uint64_t helper::csum_update(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-not_supported);
}

uint64_t helper::csum_level(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    enum operation : uint64_t { query = 0, raise = 1, lower = 2, reset = 3 };
    constexpr uint32_t most_levels = 3;
    packet_context *const p = skb_of(r1);
    if (p == nullptr) return word_of(-EINVAL);
    auto &[is_verified, level] = p->checksums();
    switch (r2) {
    case query: return is_verified ? level : word_of(-EACCES);
    case raise:
        if (is_verified) level = std::min(level + 1, most_levels);
        is_verified = true;
        return 0;
    case lower:
        is_verified = is_verified and level != 0;
        if (is_verified) --level;
        return 0;
    case reset: forget_checksums(*p); return 0;
    default: return word_of(-EINVAL);
    }
}

// --- the hash of the flow

uint64_t helper::get_hash_recalc(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    packet_context *const p = skb_of(r1);
    if (p == nullptr) return 0;
    if (not p->hash()) p->set_hash(flow_hash(protocol_of(*p), p->from(p->headers().network)));
    return *p->hash();
}

uint64_t helper::set_hash_invalid(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    if (packet_context *const p = skb_of(r1)) p->set_hash({});
    return 0;
}

uint64_t helper::set_hash(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    if (packet_context *const p = skb_of(r1)) p->set_hash(static_cast<uint32_t>(r2));
    return 0;
}

// --- congestion, time

namespace {

constexpr uint32_t ecn_mask = 3;  ///< 0: the sender does not know of congestion marks; 3: marked

bool mark_ipv4(uint8_t *header) noexcept {
    constexpr std::size_t service_offset = 1;
    constexpr std::size_t checksum_offset = 10;
    const uint32_t ecn = header[service_offset] & ecn_mask;
    if (ecn == 0) return false;
    const uint32_t difference = ecn_mask - ecn;  // of the service byte, and less in the checksum
    uint32_t sum = number_at<uint16_t>(header + checksum_offset);
    sum += network_order(static_cast<uint16_t>(~difference));
    sum += sum >= 0xffff ? 1 : 0;
    if (difference != 0) put_number(header + checksum_offset, static_cast<uint16_t>(sum));
    header[service_offset] |= ecn_mask;
    return true;
}

bool mark_ipv6(uint8_t *header) noexcept {
    constexpr unsigned ecn_shift = 4;  // the traffic class begins in the first byte's low half
    if ((header[1] >> ecn_shift & ecn_mask) == 0) return false;
    header[1] |= ecn_mask << ecn_shift;
    return true;
}

}  // namespace

namespace {

/// What is behind the VLAN tags that are in the packet.
uint16_t inner_protocol(packet_context &p) noexcept {
    uint16_t protocol = protocol_of(p);
    auto rest = p.from(p.headers().link);
    while (is_vlan(protocol)) {
        if (rest.size() < ethernet::header_bytes + tag_bytes) return 0;
        rest = rest.subspan(tag_bytes);
        protocol = network_order(number_at<uint16_t>(rest.data() + ethernet::type_offset));
    }
    return protocol;
}

}  // namespace

uint64_t helper::skb_ecn_set_ce(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    packet_context *const p = skb_of(r1);
    if (p == nullptr) return 0;
    const uint16_t protocol = inner_protocol(*p);
    if (protocol != ethernet::ipv4 and protocol != ethernet::ipv6) return 0;
    const auto header = p->from(p->headers().network);
    if (header.size() < network_bytes(protocol)) return 0;
    return (protocol == ethernet::ipv4 ? mark_ipv4 : mark_ipv6)(header.data()) ? 1 : 0;
}

uint64_t helper::skb_set_tstamp(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    enum clock : uint32_t { realtime = 0, monotonic = 1, atomic = 2 };
    packet_context *const p = skb_of(r1);
    if (p == nullptr) return word_of(-EINVAL);
    const uint16_t protocol = protocol_of(*p);
    if (protocol != ethernet::ipv4 and protocol != ethernet::ipv6) return word_of(-EOPNOTSUPP);
    const auto clock = static_cast<uint32_t>(r3);
    if (clock > atomic or (clock != realtime and r2 == 0)) return word_of(-EINVAL);
    p->skb()->tstamp = r2;
    p->skb()->tstamp_type = static_cast<uint8_t>(clock);
    return 0;
}

}  // namespace bpftime::vm::runtime
