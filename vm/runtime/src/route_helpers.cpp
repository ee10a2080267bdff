// bpftime-vm: the helpers that ask which way a packet would go
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_words.hpp"
#include "runtime/network.hpp"

#include <linux/bpf.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <optional>

namespace bpftime::vm::runtime {

namespace {

// Flags and results with the kernel's values (linux/bpf.h), of which older headers lack some.
enum fib_flag : uint32_t {
    fib_direct = 1 << 0,
    fib_output = 1 << 1,
    fib_skip_neighbour = 1 << 2,
    fib_table = 1 << 3,
    fib_source = 1 << 4,
    fib_mark = 1 << 5,
};
constexpr uint32_t fib_flags =
    fib_direct | fib_output | fib_skip_neighbour | fib_table | fib_source | fib_mark;
enum fib_result : int {
    fib_success = 0,
    fib_blackhole = 1,
    fib_unreachable = 2,
    fib_prohibit = 3,
    fib_not_forwarded = 4,
    fib_forwarding_disabled = 5,
    fib_no_neighbour = 7,
    fib_fragmentation_needed = 8,
    fib_no_source = 9,
};

/// One lookup in progress.
class fib_query {
public:
    fib_query(const network &net, bpf_fib_lookup &parameters, uint32_t flags) noexcept
        : net_{net}, p_{parameters}, flags_{flags}, is_ipv6_{parameters.family == AF_INET6} {}

    /// `checks_mtu`: of tot_len, by the route.
    int run(bool checks_mtu) noexcept {
        if (is_ipv6_ and (stays_on_link(p_.ipv6_dst) or stays_on_link(p_.ipv6_src)))
            return fib_not_forwarded;
        const network_interface *const in = net_.find_interface(p_.ifindex);
        if (in == nullptr) return -ENODEV;
        if (not(is_ipv6_ ? in->forwards_ipv6 : in->forwards_ipv4)) return fib_forwarding_disabled;
        const network_route *const route = find_route();
        if (route == nullptr) return fib_not_forwarded;
        if (route->kind != route_kind::unicast) return result_of(route->kind);
        const network_interface *const out = net_.find_interface(route->interface);
        if (out == nullptr) return fib_not_forwarded;
        return leave_by(*route, *out, checks_mtu ? mtu_of(*route, *out) : 0);
    }

private:
    /// IPv6 addresses that routers keep on their link: multicast, link-local, loopback.
    static bool stays_on_link(const uint32_t (&address)[4]) noexcept {
        std::array<uint8_t, 16> b{};
        std::memcpy(b.data(), address, sizeof address);
        std::array<uint8_t, 16> loopback{};
        loopback.back() = 1;
        return b[0] == 0xff or (b[0] == 0xfe and (b[1] & 0xc0U) == 0x80) or b == loopback;
    }

    static int result_of(route_kind kind) noexcept {
        switch (kind) {
        case route_kind::blackhole: return fib_blackhole;
        case route_kind::unreachable: return fib_unreachable;
        case route_kind::prohibit: return fib_prohibit;
        default: return fib_not_forwarded;
        }
    }

    [[nodiscard]] ip_address destination() const noexcept {
        return is_ipv6_ ? ip_address{{reinterpret_cast<const uint8_t *>(p_.ipv6_dst), 16}}
                        : ip_address{{reinterpret_cast<const uint8_t *>(&p_.ipv4_dst), 4}};
    }

    /// The table that a direct lookup asks; whoever names it finds 0 where its number was, as the
    /// VLAN tag comes there.
    uint32_t take_table() noexcept {
        if ((flags_ & fib_table) == 0) return main_table;
        uint32_t table = 0;
        std::memcpy(&table, &p_.h_vlan_proto, sizeof table);
        p_.h_vlan_proto = 0;
        p_.h_vlan_TCI = 0;
        return table;
    }

    const network_route *find_route() noexcept {
        const uint32_t out = (flags_ & fib_output) != 0 ? p_.ifindex : 0;
        const auto find_in = [&](std::initializer_list<uint32_t> tables) {
            const network_route *found = nullptr;
            for (const uint32_t table : tables)
                found = found != nullptr ? found : net_.find_route(destination(), table, out);
            return found;
        };
        if ((flags_ & fib_direct) == 0) return find_in({local_table, main_table, default_table});
        const uint32_t table = take_table();
        // As long as nobody adds rules, the kernel keeps these two of IPv4 in one.
        const bool is_joined = not is_ipv6_ and (table == main_table or table == local_table);
        return is_joined ? find_in({local_table, main_table}) : find_in({table});
    }

    [[nodiscard]] uint32_t mtu_of(const network_route &route,
                                  const network_interface &out) const noexcept {
        constexpr uint32_t most_ipv4 = 65535;
        constexpr uint32_t most_ipv6 = 65535 + 40;
        const uint32_t mtu = route.mtu != 0 ? route.mtu : out.mtu;
        return std::min(mtu, is_ipv6_ ? most_ipv6 : most_ipv4);
    }

    /// The source address of packets on that way; none: there is none.
    [[nodiscard]] std::optional<ip_address> source_of(const network_route &route,
                                                      const network_interface &out) const noexcept {
        if (route.source) return route.source;
        const auto at = std::ranges::find(out.addresses, is_ipv6_, &ip_address::is_ipv6);
        return at == out.addresses.end() ? std::nullopt : std::optional{*at};
    }

    int leave_by(const network_route &route, const network_interface &out, uint32_t mtu) noexcept {
        if (mtu != 0 and p_.tot_len > mtu) {
            p_.mtu_result = static_cast<uint16_t>(mtu);
            return fib_fragmentation_needed;
        }
        if (is_ipv6_ and route.gateway) put(p_.ipv6_dst, *route.gateway);
        p_.rt_metric = route.metric;
        p_.ifindex = out.index;
        if ((flags_ & fib_source) != 0) {
            const auto source = source_of(route, out);
            if (is_ipv6_ and not source) return fib_no_source;
            put(p_.ipv6_src, source.value_or(ip_address{}));
        }
        if (not is_ipv6_ and route.gateway) use_gateway(*route.gateway);
        if ((flags_ & fib_skip_neighbour) == 0) {
            const network_neighbour *const next = net_.find_neighbour(out.index, destination());
            if (next == nullptr) return fib_no_neighbour;
            std::memcpy(p_.dmac, next->link.data(), sizeof p_.dmac);
            std::memcpy(p_.smac, out.address.data(), sizeof p_.smac);
        }
        p_.h_vlan_TCI = 0;
        p_.h_vlan_proto = 0;
        if (mtu != 0) p_.mtu_result = static_cast<uint16_t>(mtu);
        return fib_success;
    }

    /// A route of IPv4 may lead over a neighbour of IPv6.
    void use_gateway(const ip_address &gateway) noexcept {
        is_ipv6_ = gateway.is_ipv6();
        p_.family = is_ipv6_ ? AF_INET6 : AF_INET;
        put(p_.ipv6_dst, gateway);
    }

    static void put(uint32_t (&to)[4], const ip_address &address) noexcept {
        std::ranges::copy(address.bytes(), reinterpret_cast<uint8_t *>(&to));
    }

    const network &net_;
    bpf_fib_lookup &p_;
    uint32_t flags_;
    bool is_ipv6_;
};

/// What follows if the program did not say how long the packet is: the packet is as long as it is.
int check_length(const packet_context &p, bpf_fib_lookup &parameters) noexcept {
    constexpr uint32_t tag_bytes = 4;  // room for a VLAN tag
    const network_interface *const out = p.network().find_interface(parameters.ifindex);
    if (out == nullptr) return -ENODEV;
    const bool fits = p.packet().size() <= out->mtu + out->link_header_bytes + tag_bytes;
    parameters.mtu_result = static_cast<uint16_t>(out->mtu);
    return fits ? fib_success : fib_fragmentation_needed;
}

}  // namespace

uint64_t helper::fib_lookup(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    packet_context *const p = packet_of(r1);
    const auto size = static_cast<int32_t>(r3);
    const auto flags = static_cast<uint32_t>(r4);
    if (p == nullptr or size < static_cast<int32_t>(sizeof(bpf_fib_lookup)) or
        (flags & ~fib_flags) != 0) {
        return word_of(-EINVAL);
    }
    bpf_fib_lookup parameters{};
    std::memcpy(&parameters, pointer(r2), sizeof parameters);
    if (parameters.family != AF_INET and parameters.family != AF_INET6)
        return word_of(-EAFNOSUPPORT);
    const bool checks_mtu = p->skb() == nullptr or parameters.tot_len != 0;
    int found = fib_query{p->network(), parameters, flags}.run(checks_mtu);
    if (found == fib_success and not checks_mtu) found = check_length(*p, parameters);
    std::memcpy(pointer(r2), &parameters, sizeof parameters);
    return word_of(found);
}

uint64_t helper::check_mtu(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    constexpr uint64_t of_segments = 1;
    constexpr int fragmentation_needed = 1;
    packet_context *const p = packet_of(r1);
    if (p == nullptr) return word_of(-EINVAL);
    const bool is_skb = p->skb() != nullptr;
    const auto asked = number_at<uint32_t>(pointer<const uint8_t>(r3));
    const auto difference = static_cast<int32_t>(r4);
    const bool asks_segments = (r5 & of_segments) != 0;
    if ((r5 & ~(is_skb ? of_segments : 0)) != 0) return word_of(-EINVAL);
    if (asks_segments and (difference != 0 or asked != 0)) return word_of(-EINVAL);
    const auto index = static_cast<uint32_t>(r2);
    const auto *const out = p->network().find_interface(index == 0 ? p->interface() : index);
    if (out == nullptr) return word_of(-ENODEV);
    // In 32 bits, as the kernel adds.
    const auto bytes =
        asked != 0 ? asked + out->link_header_bytes : static_cast<uint32_t>(p->packet().size());
    const auto then = static_cast<int32_t>(bytes + static_cast<uint32_t>(difference));
    put_number(pointer<uint8_t>(r3), out->mtu);
    return word_of(then > int64_t{out->mtu} + out->link_header_bytes ? fragmentation_needed : 0);
}

}  // namespace bpftime::vm::runtime
