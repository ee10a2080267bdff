// bpftime-vm: one packet, and what a program gets of it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/packet.hpp"

#include "compat/last_error.hpp"
#include "compat/run.hpp"
#include "helper_packets.hpp"

#include <fmt/format.h>
#include <linux/if_packet.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

using object::program_type;

constexpr uint32_t loopback_interface = 1;

// --- Ethernet

using ethernet::header_bytes;
constexpr int64_t header_bytes_signed = header_bytes;

/// The interface that the frame came in on has address 0, for one and for all.
uint32_t packet_type_of(std::span<const uint8_t> frame) noexcept {
    const auto to = frame.first(ethernet::address_bytes);
    if (std::ranges::count(to, 0) == std::ssize(to)) return PACKET_HOST;
    return (to[0] & 1) != 0 ? PACKET_MULTICAST : PACKET_OTHERHOST;
}

uint16_t protocol_of(std::span<const uint8_t> frame) noexcept {
    const auto type = number_at<uint16_t>(frame.data() + ethernet::type_offset);
    return frame_protocol(network_order(type), frame.subspan(header_bytes));
}

/// What the kernel keeps of an XDP packet at the begin of its room (struct xdp_frame).
constexpr std::size_t frame_bytes = 40;

// --- IP: what the kernel takes the addresses of the socket from

constexpr uint32_t family_ipv4 = 2;
constexpr uint32_t family_ipv6 = 10;

void copy_from(std::span<const uint8_t> packet, std::size_t at, void *to, std::size_t bytes) {
    std::memcpy(to, packet.data() + at, bytes);
}

void set_addresses(skb_context &c, uint16_t protocol, std::span<const uint8_t> packet) {
    if (protocol == ethernet::ipv4) {
        c.family = family_ipv4;
        if (packet.size() < ip::ipv4_header_bytes) return;
        copy_from(packet, 12, &c.local_ip4, sizeof c.local_ip4);
        copy_from(packet, 16, &c.remote_ip4, sizeof c.remote_ip4);
    } else if (protocol == ethernet::ipv6) {
        c.family = family_ipv6;
        if (packet.size() < ip::ipv6_header_bytes) return;
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

/// What the kernel's socket for a test run is like.
socket_view socket_with_addresses(const skb_context &c) noexcept {
    constexpr uint32_t closed = 7;  // TCP_CLOSE
    socket_view s{
        .family = c.family, .src_ip4 = c.local_ip4, .dst_ip4 = c.remote_ip4, .state = closed};
    std::ranges::copy(c.local_ip6, s.src_ip6);
    std::ranges::copy(c.remote_ip6, s.dst_ip6);
    return s;
}

skb_memory make_skb(std::span<const uint8_t> frame, std::span<uint8_t> packet) {
    const auto begin = reinterpret_cast<uint64_t>(packet.data());
    const uint16_t protocol = protocol_of(frame);
    skb_context c{.data = begin, .data_end = begin + packet.size(), .data_meta = begin};
    c.len = static_cast<uint32_t>(packet.size());
    c.pkt_type = packet_type_of(frame);
    c.protocol = network_order(protocol);
    c.ifindex = loopback_interface;
    set_addresses(c, protocol, frame.subspan(header_bytes));
    return {c, socket_with_addresses(c)};
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

// --- what VMs are told

template <typename Context>
ebpf_input input_with(std::size_t bytes) noexcept {
    ebpf_input input{};
    input.least_size = bytes;
    input.permission = EBPF_PERM_READ_WRITE;
    input.alignment = alignof(Context);
    input.data_offset = offsetof(Context, data);
    input.data_end_offset = offsetof(Context, data_end);
    input.data_meta_offset = offsetof(Context, data_meta);
    return input;
}

// --- runs

thread_local packet_context *innermost_packet = nullptr;

/// Makes a packet the innermost one until the end of its run.
class scoped_packet {
public:
    explicit scoped_packet(packet_context *p) noexcept
        : outer_{std::exchange(innermost_packet, p)} {}
    ~scoped_packet() { innermost_packet = outer_; }
    scoped_packet(const scoped_packet &) = delete;
    scoped_packet &operator=(const scoped_packet &) = delete;

private:
    packet_context *outer_;
};

}  // namespace

bool sees_ethernet(program_type type) noexcept {
    return type == program_type::xdp or type == program_type::sched_cls or
           type == program_type::sched_act;
}

result<void> declare_context(ebpf_vm &vm, program_type type, context_use use) {
    if (use == context_use::none) return {};
    ebpf_input input = type == program_type::xdp ? input_with<xdp_context>(sizeof(xdp_context))
                                                 : input_with<skb_context>(sizeof(skb_memory));
    if (use == context_use::reads) {
        input.permission = EBPF_PERM_READ;
        input.packet_permission = static_cast<uint32_t>(permission_of(type));
    }
    const int code = vm.declare_input(&input);
    if (code == EBPF_OK or code == EBPF_ERROR_UNSUPPORTED) return {};
    return std::unexpected{make_error(error_code::invalid_argument, vm.error_message())};
}

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
    headers_ = {.link = frame.data(), .network = frame.data() + header_bytes};
    checksums_ = {};
    is_encapsulated_ = false;
    hash_.reset();
    tunnel_.reset();
    groups_.reset();
    socket_ = nullptr;
    own_socket_.reset();
    kept_.clear();
    if (type_ == program_type::xdp) {
        context_ = make_xdp(packet_);
    } else {
        context_ = make_skb(frame, packet_);
    }
    target_.reset();
    copies_.clear();
    return {};
}

namespace {

/// What a fault's message calls a region of the run is the packet.
[[gnu::cold, gnu::noinline]] void explain_fault() {
    const compat::fault &f = compat::last_fault();
    if (f.region != region_kind::run) return;
    const bool is_inside =
        f.offset >= 0 and static_cast<uint64_t>(f.offset) + f.size <= f.region_bytes;
    compat::set_last_error(fmt::format(
        "{}: that is the packet, which has {} bytes{}", compat::last_error(), f.region_bytes,
        is_inside ? ""
                  : ": the program has to compare with data and data_end before it accesses it"));
}

}  // namespace

int64_t packet_context::exec(ebpf_vm &vm, int64_t &r0) {
    const ebpf_region region{packet_.data(), packet_.size(), static_cast<uint32_t>(allowed_)};
    const bool has_region = not packet_.empty() and allowed_ != permission::none;
    const scoped_packet scope{this};
    // The last run may have written to it: it is in the memory of the context.
    if (auto *const memory = std::get_if<skb_memory>(&context_))
        memory->socket = socket_with_addresses(memory->context);
    set_socket(nullptr);
    kept_.clear();
    target_.reset();
    copies_.clear();
    const int64_t code = std::visit(
        [&](auto &context) {
            return vm.exec_regions(&context, sizeof context, has_region ? &region : nullptr,
                                   has_region ? 1 : 0, r0);
        },
        context_);
    if (code == EBPF_ERROR_FAULT) [[unlikely]]
        explain_fault();
    return code;
}

packet_context *packet_context::running() noexcept {
    const compat::run *const run = compat::run::current();
    const bool is_its = run != nullptr and innermost_packet != nullptr and
                        innermost_packet->owns(run->input().begin);
    return is_its ? innermost_packet : nullptr;
}

bool packet_context::owns(uint64_t word) const noexcept {
    if (const auto *const c = std::get_if<xdp_context>(&context_))
        return word == reinterpret_cast<uint64_t>(c);
    return word == reinterpret_cast<uint64_t>(std::get_if<skb_memory>(&context_));
}

void packet_context::set_socket(const network_socket *socket) noexcept {
    socket_ = socket;
    const socket_view *const view = socket == nullptr ? own_view() : &socket->view;
    if (skb() != nullptr) skb()->sk = reinterpret_cast<uint64_t>(view);
}

const network_socket &packet_context::own_socket() {
    if (not own_socket_) {
        network_socket made;
        made.view = socket_with_addresses(*skb());
        made.owner = std::make_shared<const storage_owner>(owner_kind::socket);
        own_socket_ = std::move(made);
    }
    return *own_socket_;
}

const network_socket *packet_context::keep(std::shared_ptr<const network_socket> found) {
    if (const auto at = std::ranges::find(kept_, found); at != kept_.end()) return at->get();
    if (kept_.size() == most_kept_sockets) return nullptr;
    return kept_.emplace_back(std::move(found)).get();
}

const network_socket *packet_context::find_kept(const void *view) const noexcept {
    const auto at = std::ranges::find_if(kept_, [view](const auto &s) { return &s->view == view; });
    return at == kept_.end() ? nullptr : at->get();
}

const network_socket *packet_context::find_kept(uint32_t number) const noexcept {
    const auto at = std::ranges::find_if(kept_, [number](const auto &s) {
        return s->owner != nullptr and s->owner->number() == number;
    });
    return at == kept_.end() ? nullptr : at->get();
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

int packet_context::insert(std::size_t at, std::size_t bytes) {
    const auto before = static_cast<std::size_t>(packet_.data() - whole_.data());
    if (bytes > before or at > packet_.size()) return -ENOMEM;
    const uint8_t *const old = packet_.data();
    packet_ = whole_.subspan(before - bytes, packet_.size() + bytes);
    std::memmove(packet_.data(), old, at);
    std::ranges::fill(packet_.subspan(at, bytes), uint8_t{0});
    publish();
    return 0;
}

int packet_context::erase(std::size_t at, std::size_t bytes) {
    if (at > packet_.size() or bytes > packet_.size() - at) return -ENOMEM;
    const uint8_t *const old = packet_.data();
    packet_ = packet_.subspan(bytes);
    std::memmove(packet_.data(), old, at);
    publish();
    return 0;
}

int packet_context::resize(std::size_t bytes) {
    const auto before = static_cast<std::size_t>(packet_.data() - whole_.data());
    if (bytes > whole_.size() - before) return -ENOMEM;
    const std::size_t old = packet_.size();
    packet_ = whole_.subspan(before, bytes);
    if (bytes > old) std::ranges::fill(packet_.subspan(old), uint8_t{0});
    publish();
    return 0;
}

std::span<uint8_t> packet_context::from(const uint8_t *header) const noexcept {
    const auto at = static_cast<std::size_t>(header - whole_.data());
    const auto end = static_cast<std::size_t>(packet_.data() + packet_.size() - whole_.data());
    return at <= end ? whole_.subspan(at, end - at) : std::span<uint8_t>{};
}

void packet_context::set_hash(std::optional<uint32_t> hash) noexcept {
    hash_ = hash;
    skb()->hash = hash.value_or(0);
}

/// Tells the program, and gives it what is new.
void packet_context::publish() {
    if (skb() != nullptr) metadata_ = packet_.data();
    const auto tell = [this](auto &c) {
        c.data = reinterpret_cast<uint64_t>(packet_.data());
        c.data_end = c.data + packet_.size();
        c.data_meta = reinterpret_cast<uint64_t>(metadata_);
    };
    if (skb() != nullptr) {
        tell(*skb());
        skb()->len = static_cast<uint32_t>(packet_.size());
    } else {
        tell(*xdp());
    }
    const std::span<uint8_t> all{metadata_, packet_.data() + packet_.size()};
    if (allowed_ != permission::none)
        compat::run::current()->memory().grant(
            {reinterpret_cast<uint64_t>(all.data()), all.size(), allowed_});
}

}  // namespace bpftime::vm::runtime
