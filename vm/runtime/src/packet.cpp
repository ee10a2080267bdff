// bpftime-vm: one packet, and what a program gets of it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/packet.hpp"

#include "compat/run.hpp"

#include <fmt/format.h>
#include <linux/if_packet.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

using object::program_type;

constexpr uint32_t loopback_interface = 1;

// --- Ethernet

constexpr std::size_t address_bytes = 6;
constexpr std::size_t type_offset = 12;
constexpr std::size_t header_bytes = 14;
constexpr int64_t header_bytes_signed = header_bytes;
/// Smaller numbers at type_offset are lengths (IEEE 802.3).
constexpr uint16_t least_type = 0x0600;
/// What the kernel calls packets without a type (linux/if_ether.h).
constexpr uint16_t type_802_3 = 1;
constexpr uint16_t type_802_2 = 4;

constexpr uint16_t network_order(uint16_t n) noexcept { return std::byteswap(n); }

uint16_t number_at(std::span<const uint8_t> frame, std::size_t at) noexcept {
    return static_cast<uint16_t>(frame[at] << 8 | frame[at + 1]);
}

/// The interface that the frame came in on has address 0.
uint32_t packet_type_of(std::span<const uint8_t> frame) noexcept {
    const auto to = frame.first(address_bytes);
    const auto all = [&](uint8_t byte) { return std::ranges::count(to, byte) == address_bytes; };
    if (all(0)) return PACKET_HOST;
    if (all(0xff)) return PACKET_BROADCAST;
    return (to[0] & 1) != 0 ? PACKET_MULTICAST : PACKET_OTHERHOST;
}

uint16_t protocol_of(std::span<const uint8_t> frame) noexcept {
    const uint16_t type = number_at(frame, type_offset);
    if (type >= least_type) return type;
    const bool is_raw =
        frame.size() >= header_bytes + 2 and number_at(frame, header_bytes) == 0xffff;
    return is_raw ? type_802_3 : type_802_2;
}

/// What the kernel keeps of an XDP packet at the begin of its room (struct xdp_frame).
constexpr std::size_t frame_bytes = 40;

// --- IP: what the kernel takes the addresses of the socket from

constexpr uint16_t type_ipv4 = 0x0800;
constexpr uint16_t type_ipv6 = 0x86dd;
constexpr uint32_t family_ipv4 = 2;
constexpr uint32_t family_ipv6 = 10;

void copy_from(std::span<const uint8_t> packet, std::size_t at, void *to, std::size_t bytes) {
    std::memcpy(to, packet.data() + at, bytes);
}

void set_addresses(skb_context &c, uint16_t protocol, std::span<const uint8_t> packet) {
    constexpr std::size_t ipv4_bytes = 20;
    constexpr std::size_t ipv6_bytes = 40;
    if (protocol == type_ipv4) {
        c.family = family_ipv4;
        if (packet.size() < ipv4_bytes) return;
        copy_from(packet, 12, &c.local_ip4, sizeof c.local_ip4);
        copy_from(packet, 16, &c.remote_ip4, sizeof c.remote_ip4);
    } else if (protocol == type_ipv6) {
        c.family = family_ipv6;
        if (packet.size() < ipv6_bytes) return;
        copy_from(packet, 8, c.local_ip6, sizeof c.local_ip6);
        copy_from(packet, 24, c.remote_ip6, sizeof c.remote_ip6);
    }
}

// --- contexts

xdp_context make_xdp(std::span<uint8_t> packet) {
    const auto begin = reinterpret_cast<uint64_t>(packet.data());
    return {.data = begin,
            .data_end = begin + packet.size(),
            .data_meta = begin,
            .ingress_ifindex = loopback_interface};
}

skb_context make_skb(std::span<const uint8_t> frame, std::span<uint8_t> packet) {
    const auto begin = reinterpret_cast<uint64_t>(packet.data());
    const uint16_t protocol = protocol_of(frame);
    skb_context c{.data = begin, .data_end = begin + packet.size(), .data_meta = begin};
    c.len = static_cast<uint32_t>(packet.size());
    c.pkt_type = packet_type_of(frame);
    c.protocol = network_order(protocol);
    c.ifindex = loopback_interface;
    set_addresses(c, protocol, frame.subspan(header_bytes));
    return c;
}

bool sees_ethernet(program_type type) noexcept {
    return type == program_type::xdp or type == program_type::sched_cls or
           type == program_type::sched_act;
}

permission permission_of(program_type type) noexcept {
    switch (type) {
    case program_type::socket_filter: return permission::none;
    case program_type::xdp:
    case program_type::sched_cls:
    case program_type::sched_act:
    case program_type::lwt_xmit:
    case program_type::sk_skb: return permission::read_write;
    default: return permission::read;
    }
}

// --- runs

thread_local packet_context *innermost = nullptr;

/// Makes a packet the innermost one until the end of its run.
class scoped_packet {
public:
    explicit scoped_packet(packet_context *p) noexcept : outer_{std::exchange(innermost, p)} {}
    ~scoped_packet() { innermost = outer_; }
    scoped_packet(const scoped_packet &) = delete;
    scoped_packet &operator=(const scoped_packet &) = delete;

private:
    packet_context *outer_;
};

}  // namespace

result<packet_context> packet_context::create(program_type type, std::span<uint8_t> frame,
                                              packet_room room) {
    if (context_layout_of(type) == nullptr) {
        return std::unexpected{make_error(
            error_code::unsupported,
            fmt::format("programs of type {} get no packet", static_cast<unsigned>(type)))};
    }
    packet_context made{type};
    auto done = made.renew(frame, room);
    if (not done) return std::unexpected{std::move(done.error())};
    return made;
}

result<void> packet_context::renew(std::span<uint8_t> frame, packet_room room) {
    if (frame.size() < header_bytes) {
        return std::unexpected{
            make_error(error_code::invalid_argument,
                       fmt::format("a packet of {} bytes has no Ethernet header: give at least {}",
                                   frame.size(), header_bytes))};
    }
    packet_ = sees_ethernet(type_) ? frame : frame.subspan(header_bytes);
    metadata_ = packet_.data();
    const std::size_t before = room.before - std::min(room.before, frame_bytes);
    whole_ = {frame.data() - before, before + frame.size() + room.after};
    allowed_ = permission_of(type_);
    if (type_ == program_type::xdp) {
        context_ = make_xdp(packet_);
    } else {
        context_ = make_skb(frame, packet_);
    }
    target_.reset();
    copies_.clear();
    return {};
}

int64_t packet_context::exec(ebpf_vm &vm, int64_t &r0) {
    const ebpf_region region{packet_.data(), packet_.size(), static_cast<uint32_t>(allowed_)};
    const bool has_region = not packet_.empty() and allowed_ != permission::none;
    const scoped_packet scope{this};
    target_.reset();
    copies_.clear();
    return std::visit(
        [&](auto &context) {
            return vm.exec_regions(&context, sizeof context, has_region ? &region : nullptr,
                                   has_region ? 1 : 0, r0);
        },
        context_);
}

packet_context *packet_context::running() noexcept {
    const compat::run *const run = compat::run::current();
    const bool is_its =
        run != nullptr and innermost != nullptr and innermost->owns(run->input().begin);
    return is_its ? innermost : nullptr;
}

bool packet_context::owns(uint64_t word) const noexcept {
    if (const auto *const c = std::get_if<xdp_context>(&context_))
        return word == reinterpret_cast<uint64_t>(c);
    return word == reinterpret_cast<uint64_t>(std::get_if<skb_context>(&context_));
}

int packet_context::move_begin(int64_t by) {
    const auto metadata_bytes = packet_.data() - metadata_;
    const int64_t at = packet_.data() - whole_.data() + by;
    const int64_t end = packet_.data() + packet_.size() - whole_.data();
    if (at < metadata_bytes or at > end - header_bytes_signed) return -EINVAL;
    std::memmove(metadata_ + by, metadata_, static_cast<std::size_t>(metadata_bytes));
    metadata_ += by;
    packet_ = whole_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(end - at));
    publish();
    return 0;
}

int packet_context::move_metadata(int64_t by) {
    constexpr int64_t most_bytes = 255;
    constexpr int64_t alignment = 4;
    const int64_t at = metadata_ - whole_.data() + by;
    const int64_t bytes = packet_.data() - whole_.data() - at;
    if (at < 0 or bytes < 0) return -EINVAL;
    if (bytes % alignment != 0 or bytes > most_bytes) return -EACCES;
    metadata_ += by;
    publish();
    return 0;
}

int packet_context::move_end(int64_t by) {
    const int64_t begin = packet_.data() - whole_.data();
    const int64_t size = std::ssize(packet_) + by;
    if (begin + size > std::ssize(whole_) or size < header_bytes_signed) return -EINVAL;
    const std::size_t before = packet_.size();
    packet_ = whole_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
    if (by > 0) std::ranges::fill(packet_.subspan(before), uint8_t{0});
    publish();
    return 0;
}

int packet_context::add_copy(const packet_target &target) {
    if (copies_.size() == most_copies) return -ENOMEM;
    copies_.push_back(target);
    return 0;
}

/// Tells the program, and gives it what is new.
void packet_context::publish() {
    xdp_context &c = *xdp();
    c.data = reinterpret_cast<uint64_t>(packet_.data());
    c.data_end = c.data + packet_.size();
    c.data_meta = reinterpret_cast<uint64_t>(metadata_);
    compat::run::current()->memory().grant({c.data_meta, c.data_end - c.data_meta});
}

}  // namespace bpftime::vm::runtime
