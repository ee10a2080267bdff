// bpftime-vm: the helpers that ask about a network, compared with one of the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_network.hpp"
#include "packet_program.hpp"
#include "programs.hpp"
#include "runtime/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::runtime::test {

using object::program_type;
using vm::test::engine;

namespace {

ip_address address(const char *text) { return ip_address::parse(text).value(); }

// --- the same network twice

/// Commands that make it in a network namespace of the kernel.
constexpr auto commands = std::to_array<const char *>({
    "ip link set lo up",
    "ip link add v0 index 11 address 02:00:00:00:00:0a type veth peer name w0 index 12",
    "ip link add v1 index 21 address 02:00:00:00:00:0b mtu 1400 type veth peer name w1 index 22",
    "ip link add v2 index 31 address 02:00:00:00:00:0c type veth peer name w2 index 32",
    "for i in v0 v1 w0 w1 v2 w2; do ip link set $i up; done",
    "for i in v0 v1; do echo 1 > /proc/sys/net/ipv4/conf/$i/forwarding; done",
    "echo 1 > /proc/sys/net/ipv6/conf/v0/forwarding",
    "ip addr add 10.0.0.1/24 dev v0",
    "ip addr add 10.0.1.1/24 dev v1",
    "ip addr add fd00::1/64 dev v0 nodad",
    "ip addr add fd01::1/64 dev v1 nodad",
    "ip route add 10.9.0.0/16 via 10.0.1.7 metric 5",
    "ip route add 10.9.8.0/24 via 10.0.0.7",
    "ip route add 10.9.9.0/24 via 10.0.0.8 src 10.0.1.1",
    "ip route add 10.8.0.0/16 via 10.0.1.7 mtu lock 1000",
    "ip route add 10.7.0.0/16 via inet6 fd01::7",
    "ip route add blackhole 10.6.0.0/16",
    "ip route add unreachable 10.6.1.0/24",
    "ip route add prohibit 10.6.2.0/24",
    "ip route add 10.5.0.0/16 via 10.0.0.7 table 77",
    "ip route add fd09::/16 via fd01::7 metric 7",
    "ip route add blackhole fd06::/32",
    "ip route add prohibit fd06:1::/32",
    "ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:a7 dev v0",
    "ip neigh add 10.0.1.7 lladdr 02:00:00:00:00:b7 dev v1",
    "ip neigh add fd01::7 lladdr 02:00:00:00:00:c7 dev v1",
    "ip neigh add fd00::9 lladdr 02:00:00:00:00:d7 dev v0",
});

network make_network() {
    network n;
    n.add(network_interface{.index = 11,
                            .address = {2, 0, 0, 0, 0, 0xa},
                            .addresses = {address("10.0.0.1"), address("fd00::1")}});
    n.add(network_interface{.index = 21,
                            .address = {2, 0, 0, 0, 0, 0xb},
                            .mtu = 1400,
                            .forwards_ipv6 = false,
                            .addresses = {address("10.0.1.1"), address("fd01::1")}});
    n.add(network_interface{.index = 31, .forwards_ipv4 = false, .forwards_ipv6 = false});
    const auto route = [&](const char *prefix, uint32_t length, uint32_t interface,
                           const char *gateway, network_route more = {}) {
        more.prefix = address(prefix);
        more.prefix_length = length;
        more.interface = interface;
        if (gateway != nullptr) more.gateway = address(gateway);
        n.add(more);
    };
    const network_route local{.kind = route_kind::local, .table = local_table};
    for (const char *const own : {"10.0.0.1", "10.0.1.1", "127.0.0.1"})
        route(own, 32, 11, nullptr, local);
    for (const char *const own : {"fd00::1", "fd01::1"}) route(own, 128, 11, nullptr, local);
    route("10.0.0.0", 24, 11, nullptr, {.source = address("10.0.0.1")});
    route("10.0.1.0", 24, 21, nullptr, {.source = address("10.0.1.1")});
    constexpr uint32_t ipv6_metric = 256;
    route("fd00::", 64, 11, nullptr, {.metric = ipv6_metric});
    route("fd01::", 64, 21, nullptr, {.metric = ipv6_metric});
    route("10.9.0.0", 16, 21, "10.0.1.7", {.metric = 5});
    route("10.9.8.0", 24, 11, "10.0.0.7");
    route("10.9.9.0", 24, 11, "10.0.0.8", {.source = address("10.0.1.1")});
    route("10.8.0.0", 16, 21, "10.0.1.7", {.mtu = 1000});
    route("10.7.0.0", 16, 21, "fd01::7");
    route("10.6.0.0", 16, 0, nullptr, {.kind = route_kind::blackhole});
    route("10.6.1.0", 24, 0, nullptr, {.kind = route_kind::unreachable});
    route("10.6.2.0", 24, 0, nullptr, {.kind = route_kind::prohibit});
    route("10.5.0.0", 16, 11, "10.0.0.7", {.table = 77});
    route("fd09::", 16, 21, "fd01::7", {.metric = 7});
    route("fd06::", 32, 0, nullptr, {.kind = route_kind::blackhole});
    route("fd06:1::", 32, 0, nullptr, {.kind = route_kind::prohibit});
    n.add(network_neighbour{11, address("10.0.0.7"), {2, 0, 0, 0, 0, 0xa7}});
    n.add(network_neighbour{21, address("10.0.1.7"), {2, 0, 0, 0, 0, 0xb7}});
    n.add(network_neighbour{21, address("fd01::7"), {2, 0, 0, 0, 0, 0xc7}});
    n.add(network_neighbour{11, address("fd00::9"), {2, 0, 0, 0, 0, 0xd7}});
    return n;
}

// --- lookups

/// Questions of both kinds: where to, how long, with which flags, over which interface.
std::vector<std::string> questions() {
    std::vector<std::string> all;
    const auto ask = [&](std::string_view fields) {
        for (const int interface : {11, 21, 31, 1, 99}) {
            for (const char *const more :
                 {"0", "1", "2", "4", "8 | 1", "16", "4 | 16", "32", "64", "1 | 2"}) {
                all.push_back(fmt::format(
                    "    {{ struct bpf_fib_lookup p = {{.ifindex = {}, {}}}; sum = ask(ctx, sum, "
                    "&p, {}); }}\n",
                    interface, fields, more));
            }
        }
    };
    const auto ipv4 = [&](std::string_view to, int bytes) {
        const ip_address there = address(std::string{to}.c_str());
        const auto b = there.bytes();
        ask(
            fmt::format(".family = 2, .tot_len = {}, .tos = 4, .ipv4_src = 0x0a0a0a0a, "
                        ".ipv4_dst = 0x{:02x}{:02x}{:02x}{:02x}, .h_vlan_proto = 77",
                        bytes, b[3], b[2], b[1], b[0]));
    };
    const auto ipv6 = [&](std::string_view to, int bytes) {
        const ip_address there = address(std::string{to}.c_str());
        std::array<uint32_t, 4> words{};
        std::memcpy(words.data(), there.bytes().data(), sizeof words);
        ask(
            fmt::format(".family = 10, .tot_len = {}, .ipv6_src = {{0xfd, 0, 0, 1}}, .ipv6_dst = "
                        "{{{:#x}, {:#x}, {:#x}, {:#x}}}, .h_vlan_proto = 77",
                        bytes, words[0], words[1], words[2], words[3]));
    };
    for (const char *const to :
         {"10.0.0.7", "10.0.0.8", "10.0.0.1", "10.9.8.7", "10.9.9.9", "10.9.1.1", "10.7.0.1",
          "10.6.0.1", "10.6.1.1", "10.6.2.1", "10.5.0.1", "10.4.0.1", "127.0.0.1"}) {
        ipv4(to, 0);
    }
    for (const int bytes : {100, 1000, 1001, 1401, 1501}) {
        ipv4("10.8.0.1", bytes);
        ipv4("10.9.1.1", bytes);
        ipv4("10.0.0.7", bytes);
        ipv6("fd09::1", bytes);
    }
    for (const char *const to : {"fd00::9", "fd00::8", "fd00::1", "fd09::1", "fd06::1", "fd06:1::1",
                                 "fd05::1", "fe80::1", "ff02::1", "::1"}) {
        ipv6(to, 0);
    }
    ask(".family = 3");
    return all;
}

constexpr std::string_view asks = R"(
static long (*lookup)(void *, void *, int, unsigned) = (void *)69;
static NOINLINE unsigned ask(CONTEXT *ctx, unsigned sum, struct bpf_fib_lookup *p, unsigned flags) {
    struct bpf_fib_lookup own;
    if (!p) return 0;
    __builtin_memcpy(&own, p, sizeof own);
    unsigned words[16];
    int result = lookup(ctx, &own, sizeof own, flags);
    __builtin_memcpy(words, &own, sizeof own);
    sum = (sum ^ result) * 0x01000193u;
    // Without a neighbour link addresses keep what is there.
    for (unsigned i = 0; i < sizeof own / 4; i++) sum = (sum ^ words[i]) * 0x01000193u;
    return sum;
}
)";

TEST(network, leads_packets_as_the_kernel_does) {
    const network net = make_network();
    const auto all = questions();
    const auto set_network = [&](packet_context &p) { p.set_network(net); };
    const bool made = in_network_namespace({commands.begin(), commands.end()}, [&] {
        for (const auto type : {program_type::xdp, program_type::sched_cls}) {
            const bool is_xdp = type == program_type::xdp;
            constexpr std::size_t together = 50;
            for (std::size_t i = 0; i < all.size(); i += together) {
                std::string text = fmt::format(
                    "#define CONTEXT struct {}\n{}SEC(\"{}\") int prog("
                    "CONTEXT *ctx) {{\n    unsigned sum = 7;\n",
                    is_xdp ? "xdp_md" : "__sk_buff", asks, is_xdp ? "xdp" : "tc");
                for (std::size_t k = i; k < std::min(i + together, all.size()); ++k) text += all[k];
                text += "    return sum & 0x7fffffff;\n}\n";
                SCOPED_TRACE(text.substr(text.find("SEC(")));
                compare_with_kernel({"fib", type, text.c_str()}, set_network);
                if (testing::Test::HasFailure()) return;
            }
        }
    });
    if (not made) GTEST_SKIP() << "no network can be made here";
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
