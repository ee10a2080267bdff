// bpftime-vm: networks, tunnels and contexts of packets, in C
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"
#include "ebpf-host.h"
#include "ebpf-network.h"

#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace runtime_c_api {

namespace {

struct close_network {
    void operator()(ebpf_network *network) const noexcept { ebpf_network_close(network); }
    void operator()(ebpf_owner *owner) const noexcept { ebpf_owner_close(owner); }
};
using network_ptr = std::unique_ptr<ebpf_network, close_network>;
using owner_ptr = std::unique_ptr<ebpf_owner, close_network>;

network_ptr make_network() {
    network_ptr network{ebpf_network_create()};
    EXPECT_NE(network, nullptr);
    return network;
}

ebpf_interface an_interface(uint32_t index) {
    auto i = sized<ebpf_interface>();
    i.index = index;
    std::ranges::copy(std::array<uint8_t, 6>{2, 0, 0, 0, 0, static_cast<uint8_t>(index)},
                      i.address);
    return i;
}

ebpf_route a_route(const char *prefix, uint32_t ifindex, const char *gateway = nullptr) {
    auto r = sized<ebpf_route>();
    r.prefix = prefix;
    r.ifindex = ifindex;
    r.gateway = gateway;
    return r;
}

ebpf_neighbour a_neighbour(const char *address, uint32_t ifindex, uint8_t last) {
    auto n = sized<ebpf_neighbour>();
    n.address = address;
    n.ifindex = ifindex;
    n.link_address[0] = 2;
    n.link_address[5] = last;
    return n;
}

ebpf_socket a_socket(const char *address, uint16_t port, uint32_t protocol = 6) {
    auto s = sized<ebpf_socket>();
    s.local = address;
    s.local_port = port;
    s.protocol = protocol;
    return s;
}

constexpr std::string_view asking = R"(
#define _LINUX_TYPES_H  // it wants headers of the machine
typedef unsigned char __u8;
typedef unsigned short __u16, __be16;
typedef short __s16;
typedef int __s32;
typedef unsigned int __u32, __be32, __wsum;
typedef long long __s64;
typedef unsigned long long __u64;
#define __aligned_u64 __u64 __attribute__((aligned(8)))
#include <linux/bpf.h>
struct { __uint(type, 24); __uint(map_flags, 1); __type(key, u32); __type(value, u64); } kept SEC(".maps");
static long (*fib_lookup)(void *ctx, void *params, int size, u32 flags) = (void *)69;
static void *(*lookup_tcp)(void *ctx, void *tuple, u32 size, u64 netns, u64 flags) = (void *)84;
static long (*release)(void *sk) = (void *)86;
static long (*assign)(void *ctx, void *sk, u64 flags) = (void *)124;
static u64 *(*storage)(void *map, void *sk, void *value, u64 flags) = (void *)107;
static struct bpf_tcp_sock *(*tcp_sock)(void *sk) = (void *)96;
static long (*clone)(void *ctx, u32 index, u64 flags) = (void *)13;
static long (*get_tunnel)(void *ctx, void *key, u32 size, u64 flags) = (void *)20;
static long (*set_tunnel)(void *ctx, void *key, u32 size, u64 flags) = (void *)21;
static long (*set_options)(void *ctx, void *options, u32 size) = (void *)30;
static long (*ancestor)(void *ctx, int level) = (void *)83;
struct { u32 destination, ifindex, mtu; long result; u8 mac[6]; } fib;
SEC("tc") int route(struct __sk_buff *ctx) {
    struct bpf_fib_lookup p = {.family = 2, .ifindex = ctx->ifindex, .ipv4_dst = fib.destination};
    fib.result = fib_lookup(ctx, &p, sizeof p, 0);
    fib.ifindex = p.ifindex;
    fib.mtu = p.mtu_result;
    __builtin_memcpy(fib.mac, p.dmac, 6);
    return 0;
}
u32 seen[4];
SEC("tc") int find(struct __sk_buff *ctx) {
    struct bpf_sock_tuple t = {.ipv4 = {.daddr = 0x0102000a, .saddr = 0x0902000a, .dport = 0x5000, .sport = 0x1027}};
    struct bpf_sock *sk = lookup_tcp(ctx, &t, sizeof t.ipv4, (u64)-1, 0);
    if (!sk) return 1;
    seen[0] = sk->state;
    seen[1] = sk->mark;
    struct bpf_tcp_sock *tcp = tcp_sock(sk);
    if (tcp) seen[2] = tcp->snd_cwnd;
    u64 *value = storage(&kept, sk, 0, 1);
    if (value) *value += 5;
    assign(ctx, sk, 0);
    release(sk);
    return 2;
}
u32 found;
SEC("tc") int count(struct __sk_buff *ctx) {
    struct bpf_sock_tuple t = {.ipv4 = {.daddr = 0x0102000a, .saddr = 0x0902000a, .dport = 0x5000, .sport = 0x1027}};
    found = 0;
    for (int i = 0; i < 1100; ++i) {
        struct bpf_sock *sk = lookup_tcp(ctx, &t, sizeof t.ipv4, (u64)-1, 0);
        if (!sk) continue;
        ++found;
        release(sk);
    }
    return 0;
}
SEC("tc") int copy(struct __sk_buff *ctx) { return clone(ctx, 7, 0); }
SEC("tc") int tunnel(struct __sk_buff *ctx) {
    struct bpf_tunnel_key key = {};
    if (get_tunnel(ctx, &key, sizeof key, 0)) return 1;
    key.tunnel_id += 1;
    key.remote_ipv4 = 0x0a000005;
    key.tunnel_ext = 0;
    u32 options = 0x01020304;
    return set_tunnel(ctx, &key, sizeof key, 0) || set_options(ctx, &options, 4) ? 2 : 3;
}
SEC("tc") int fields(struct __sk_buff *ctx) {
    u32 sum = ctx->hash + ctx->cb[2] + ctx->vlan_tci + ctx->len;
    ctx->cb[4] = 77;
    ctx->tc_index = ctx->queue_mapping;
    return sum;
}
SEC("xdp") int out(struct xdp_md *ctx) { return ctx->egress_ifindex; }
SEC("tc") int group(struct __sk_buff *ctx) { return ancestor(ctx, 1); }
)";

class networks : public on_engines {
protected:
    void SetUp() override { object_ = load(asking); }
    int64_t judge(const char *program) {
        packet_.frame = frame_.data();
        packet_.frame_size = frame_.size();
        EXPECT_EQ(
            ebpf_program_run_packet(ebpf_object_find_program(object_.get(), program), &packet_), 0)
            << ebpf_last_error();
        return packet_.verdict;
    }
    template <typename Value>
    Value variable(const char *name) const {
        Value value{};
        EXPECT_EQ(ebpf_object_get_global(object_.get(), name, &value, sizeof value), 0)
            << ebpf_last_error();
        return value;
    }

    object_ptr object_;
    std::array<uint8_t, 64> frame_{};
    ebpf_packet packet_ = sized<ebpf_packet>();
};
ON_ENGINES(networks);

TEST_P(networks, lead_packets) {
    struct fib {
        uint32_t destination, ifindex, mtu;
        int64_t result;
        std::array<uint8_t, 6> mac;
    };
    const network_ptr network = make_network();
    const auto first = an_interface(2);
    auto second = an_interface(3);
    second.mtu = 1400;
    const char *const own = "10.0.3.1";
    second.addresses = &own;
    second.address_count = 1;
    ASSERT_EQ(ebpf_network_add_interface(network.get(), &first), 0) << ebpf_last_error();
    ASSERT_EQ(ebpf_network_add_interface(network.get(), &second), 0) << ebpf_last_error();
    const auto there = a_route("10.9.0.0/16", 3, "10.0.3.7");
    const auto next = a_neighbour("10.0.3.7", 3, 0x77);
    auto nowhere = a_route("10.9.9.0/24", 0);
    nowhere.kind = EBPF_ROUTE_BLACKHOLE;
    ASSERT_EQ(ebpf_network_add_route(network.get(), &there), 0) << ebpf_last_error();
    ASSERT_EQ(ebpf_network_add_route(network.get(), &nowhere), 0) << ebpf_last_error();
    ASSERT_EQ(ebpf_network_add_neighbour(network.get(), &next), 0) << ebpf_last_error();
    packet_.network = network.get();
    packet_.ifindex = 2;
    fib ask{};
    ask.destination = 0x0101090a;
    const auto lookup = [&] {
        EXPECT_EQ(ebpf_object_set_global(object_.get(), "fib", &ask, sizeof ask), 0)
            << ebpf_last_error();
        judge("route");
        return variable<fib>("fib");
    };
    fib found = lookup();
    EXPECT_EQ(found.result, 0);
    EXPECT_EQ(found.ifindex, 3U);
    EXPECT_EQ(found.mtu, 1400U);
    EXPECT_EQ(found.mac, (std::array<uint8_t, 6>{2, 0, 0, 0, 0, 0x77}));
    ask.destination = 0x0109090a;
    EXPECT_EQ(lookup().result, BPF_FIB_LKUP_RET_BLACKHOLE);
    packet_.network = nullptr;
    packet_.ifindex = 0;
    EXPECT_EQ(lookup().result, BPF_FIB_LKUP_RET_FWD_DISABLED) << "the loopback interface alone";
}

TEST_P(networks, have_interfaces_for_copies) {
    const network_ptr network = make_network();
    EXPECT_EQ(judge("copy"), static_cast<uint32_t>(-EINVAL));
    const auto seven = an_interface(7);
    ASSERT_EQ(ebpf_network_add_interface(network.get(), &seven), 0);
    packet_.network = network.get();
    std::array<ebpf_redirect, 1> copies{};
    packet_.copies = copies.data();
    packet_.copy_capacity = 1;
    EXPECT_EQ(judge("copy"), 0);
    EXPECT_EQ(packet_.copy_count, 1U);
    EXPECT_EQ(copies[0].ifindex, 7U);
}

TEST_P(networks, are_read_from_json) {
    const network_ptr network = make_network();
    ASSERT_EQ(ebpf_network_load_json(network.get(), R"({"interfaces": [{"index": 7}]})"), 0)
        << ebpf_last_error();
    packet_.network = network.get();
    EXPECT_EQ(judge("copy"), 0);
    EXPECT_FAILS(ebpf_network_load_json(network.get(), "{"), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "");
    EXPECT_FAILS(ebpf_network_load_json(network.get(), "[]"), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "a network is an object");
    EXPECT_FAILS(ebpf_network_load_json(network.get(), nullptr), EBPF_ERROR_INVALID_ARGUMENT,
                 EINVAL, "json is NULL");
}

TEST_P(networks, have_sockets) {
    const network_ptr network = make_network();
    packet_.network = network.get();
    EXPECT_EQ(judge("find"), 1);
    EXPECT_EQ(packet_.socket, 0U);
    auto waiting = a_socket("0.0.0.0", 80);
    uint32_t first = 0;
    ASSERT_EQ(ebpf_network_add_socket(network.get(), &waiting, &first), 0) << ebpf_last_error();
    EXPECT_EQ(judge("find"), 2);
    EXPECT_EQ(packet_.socket, first);
    EXPECT_EQ((variable<std::array<uint32_t, 4>>("seen")), (std::array<uint32_t, 4>{10}));
    const owner_ptr owner{ebpf_owner_create(EBPF_OWNER_SOCKET, nullptr)};
    auto connected = a_socket("10.0.2.1", 80);
    connected.remote = "10.0.2.9";
    connected.remote_port = 10000;
    connected.mark = 6;
    const uint32_t window = 33;  // the beginning of struct bpf_tcp_sock
    connected.tcp = &window;
    connected.tcp_size = sizeof window;
    connected.owner = owner.get();
    uint32_t second = 0;
    ASSERT_EQ(ebpf_network_add_socket(network.get(), &connected, &second), 0) << ebpf_last_error();
    EXPECT_EQ(second, ebpf_owner_number(owner.get()));
    EXPECT_EQ(judge("find"), 2);
    EXPECT_EQ(packet_.socket, second);
    EXPECT_EQ((variable<std::array<uint32_t, 4>>("seen")), (std::array<uint32_t, 4>{1, 6, 33}));
    ebpf_map *const kept = ebpf_object_find_map(object_.get(), "kept");
    EXPECT_EQ(value_of(kept, first), 5U);
    EXPECT_EQ(value_of(kept, second), 5U);
}

/// What a host that looks sockets up was asked, and what it says.
struct socket_host {
    ebpf_connection asked{};
    uint32_t times = 0;
    int answer = 1;
    const char *local = "10.0.2.1";
    const ebpf_owner *owner = nullptr;

    static int find(void *context, const ebpf_connection *wanted, ebpf_socket *found) {
        auto &host = *static_cast<socket_host *>(context);
        host.asked = *wanted;
        ++host.times;
        EXPECT_EQ(found->size, sizeof *found);
        found->local = host.local;
        found->local_port = 80;
        found->protocol = 6;
        found->mark = 4;
        found->owner = host.owner;
        return host.answer;
    }
};

TEST_P(networks, ask_the_host_for_sockets) {
    const network_ptr network = make_network();
    packet_.network = network.get();
    socket_host host;
    ASSERT_EQ(ebpf_network_set_socket_lookup(network.get(), socket_host::find, &host), 0);
    EXPECT_EQ(judge("find"), 2);
    EXPECT_EQ(packet_.socket, 0U) << "it has no owner";
    EXPECT_EQ((variable<std::array<uint32_t, 4>>("seen")), (std::array<uint32_t, 4>{10, 4}));
    EXPECT_EQ(host.times, 1U);
    EXPECT_EQ(host.asked.size, sizeof host.asked);
    EXPECT_EQ(host.asked.protocol, 6U);
    EXPECT_EQ(host.asked.ifindex, 1U);
    EXPECT_EQ(host.asked.is_ipv6, 0U);
    EXPECT_EQ(host.asked.local_port, 80);
    EXPECT_EQ(host.asked.remote_port, 10000);
    EXPECT_TRUE(std::ranges::equal(std::span{host.asked.local}.first(5),
                                   std::array<uint8_t, 5>{10, 0, 2, 1, 0}));
    EXPECT_TRUE(std::ranges::equal(std::span{host.asked.remote}.first(5),
                                   std::array<uint8_t, 5>{10, 0, 2, 9, 0}));
    const owner_ptr owner{ebpf_owner_create(EBPF_OWNER_SOCKET, nullptr)};
    host.owner = owner.get();
    EXPECT_EQ(judge("find"), 2);
    EXPECT_EQ(packet_.socket, ebpf_owner_number(owner.get()));
    EXPECT_EQ(value_of(ebpf_object_find_map(object_.get(), "kept"), packet_.socket), 5U);
    host.answer = 0;
    EXPECT_EQ(judge("find"), 1);
    host = {.local = "nowhere"};
    EXPECT_EQ(judge("find"), 1) << "what it says makes no socket";
    ASSERT_EQ(ebpf_network_set_socket_lookup(network.get(), nullptr, nullptr), 0);
    EXPECT_EQ(judge("find"), 1);
    EXPECT_EQ(host.times, 1U);
    EXPECT_FAILS(ebpf_network_set_socket_lookup(nullptr, nullptr, nullptr),
                 EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "network is NULL");
}

TEST_P(networks, give_a_run_so_many_sockets_of_the_host) {
    const network_ptr network = make_network();
    packet_.network = network.get();
    socket_host host;
    ASSERT_EQ(ebpf_network_set_socket_lookup(network.get(), socket_host::find, &host), 0);
    for (int run = 1; run <= 2; ++run) {
        EXPECT_EQ(judge("count"), 0);
        EXPECT_EQ(variable<uint32_t>("found"), 1024U);
        EXPECT_EQ(host.times, 1100U * static_cast<uint32_t>(run));
    }
}

TEST_P(networks, have_tunnels) {
    EXPECT_EQ(judge("tunnel"), 1) << "there is none";
    std::array<uint8_t, 8> options{};
    auto tunnel = sized<ebpf_tunnel>();
    tunnel.is_present = 1;
    tunnel.id = 40;
    tunnel.source[0] = 10;
    tunnel.source[3] = 9;
    tunnel.destination[0] = 10;
    tunnel.destination[3] = 1;
    tunnel.options = options.data();
    tunnel.options_capacity = options.size();
    packet_.tunnel = &tunnel;
    EXPECT_EQ(judge("tunnel"), 3);
    EXPECT_EQ(tunnel.is_outgoing, 1U);
    EXPECT_EQ(tunnel.id, 41U);
    EXPECT_EQ(tunnel.destination[0], 10);
    EXPECT_EQ(tunnel.destination[3], 5);
    EXPECT_EQ(tunnel.options_size, 4U);
    EXPECT_EQ(options[3], 1);
    tunnel.is_present = 0;
    EXPECT_EQ(judge("tunnel"), 1) << "there is none, whatever the rest says";
    EXPECT_EQ(tunnel.is_present, 0U);
    tunnel.options = nullptr;
    for (const uint32_t is_present : {0U, 1U}) {
        tunnel.is_present = is_present;
        EXPECT_FAILS(
            ebpf_program_run_packet(ebpf_object_find_program(object_.get(), "tunnel"), &packet_),
            EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "packet->tunnel->options is NULL");
    }
}

TEST_P(networks, have_packets_with_contexts) {
    __sk_buff context{};
    context.hash = 1000;
    context.cb[2] = 200;
    context.vlan_tci = 30;
    context.queue_mapping = 9;
    packet_.context = &context;
    packet_.context_size = sizeof context;
    frame_[0] = 2;
    EXPECT_EQ(judge("fields"), 1000 + 200 + 30 + 64);
    EXPECT_EQ(context.cb[4], 77U);
    EXPECT_EQ(context.tc_index, 9U);
    EXPECT_EQ(context.len, 64U);
    EXPECT_EQ(context.pkt_type, 3U) << "for another host, as its address is";
    EXPECT_EQ(context.data, 0U);
    const auto judge_it = [&] {
        return ebpf_program_run_packet(ebpf_object_find_program(object_.get(), "fields"), &packet_);
    };
    EXPECT_FAILS(judge_it(), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "the context has something at byte 0, where struct __sk_buff has `len`");
    context = {};
    context.data = 1;
    EXPECT_FAILS(judge_it(), EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "`data`, which is ours");
    context = {};
    context.cb[4] = 5;
    packet_.context_size = offsetof(__sk_buff, cb[1]);
    EXPECT_EQ(judge("fields"), 64) << "a shorter struct";
    EXPECT_EQ(context.cb[4], 5U) << "beyond it";
    xdp_md xdp{};
    xdp.egress_ifindex = 12;
    packet_.context = &xdp;
    packet_.context_size = sizeof xdp;
    EXPECT_EQ(judge("out"), 12);
    EXPECT_EQ(xdp.ingress_ifindex, 1U);
    std::array<uint8_t, 100> longer{};
    longer[50] = 1;
    packet_.context = longer.data();
    packet_.context_size = longer.size();
    EXPECT_FAILS(ebpf_program_run_packet(ebpf_object_find_program(object_.get(), "out"), &packet_),
                 EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "struct xdp_md has no field");
}

TEST_P(networks, have_packets_in_control_groups) {
    EXPECT_EQ(judge("group"), 0);
    const std::array<uint64_t, 3> groups{1, 44, 55};
    packet_.control_groups = groups.data();
    packet_.control_group_count = groups.size();
    EXPECT_EQ(judge("group"), 44);
    packet_.control_groups = nullptr;
    EXPECT_FAILS(
        ebpf_program_run_packet(ebpf_object_find_program(object_.get(), "group"), &packet_),
        EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "packet->control_groups is NULL");
}

TEST(wrong_networks, are_refused) {
    const network_ptr network = make_network();
    const auto refused = [](int code, const char *message) {
        EXPECT_EQ(code, EBPF_ERROR_INVALID_ARGUMENT);
        EXPECT_THAT(ebpf_last_error(), testing::HasSubstr(message));
    };
    ebpf_network *const n = network.get();
    auto i = an_interface(0);
    refused(ebpf_network_add_interface(n, &i), "index is 0");
    i = an_interface(2);
    i.flags = 8;
    refused(ebpf_network_add_interface(n, &i), "flags 0x8");
    i = an_interface(2);
    i.address_count = 1;
    refused(ebpf_network_add_interface(n, &i), "addresses is NULL");
    const char *const nothing = "here";
    i.addresses = &nothing;
    refused(ebpf_network_add_interface(n, &i), "an address 'here' is no address of IP");
    i.size = 0;
    refused(ebpf_network_add_interface(n, &i), "interface->size is 0");
    for (const char *const prefix : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "x/8", "::/129", "/8",
                                     "10.0.0.0/8x", "10.0.0.0/-1", ""}) {
        const auto r = a_route(prefix, 1);
        refused(ebpf_network_add_route(n, &r), "is not written as ADDRESS/LENGTH");
    }
    auto r = a_route(nullptr, 1);
    refused(ebpf_network_add_route(n, &r), "prefix is NULL");
    r = a_route("10.0.0.0/8", 1, "10.0.0.\x1b");
    refused(ebpf_network_add_route(n, &r), "gateway '10.0.0.\\x1b' is no address");
    r = a_route("10.0.0.0/8", 1);
    r.kind = 5;
    refused(ebpf_network_add_route(n, &r), "kind 5");
    const auto hop = a_neighbour(nullptr, 1, 1);
    refused(ebpf_network_add_neighbour(n, &hop), "address is NULL");
    auto s = a_socket("10.0.0.1", 1, 1);
    refused(ebpf_network_add_socket(n, &s, nullptr), "protocol 1 is neither TCP nor UDP");
    s = a_socket("10.0.0.1", 1);
    s.remote = "10.0.0.2";
    refused(ebpf_network_add_socket(n, &s, nullptr), "remote and remote_port go together");
    s.remote_port = 2;
    s.remote = "::1";
    refused(ebpf_network_add_socket(n, &s, nullptr), "different versions");
    s = a_socket("10.0.0.1", 1, 17);
    s.tcp = &s;
    refused(ebpf_network_add_socket(n, &s, nullptr), "the protocol is UDP");
    s = a_socket("10.0.0.1", 1);
    s.tcp = &s;
    s.tcp_size = 10000;
    refused(ebpf_network_add_socket(n, &s, nullptr), "tcp_size is 10000");
    const owner_ptr owner{ebpf_owner_create(EBPF_OWNER_TASK, nullptr)};
    s = a_socket("10.0.0.1", 1);
    s.owner = owner.get();
    refused(ebpf_network_add_socket(n, &s, nullptr), "owner is not of kind EBPF_OWNER_SOCKET");
    refused(ebpf_network_add_socket(n, nullptr, nullptr), "socket is NULL");
    ebpf_network_close(nullptr);
}

}  // namespace

}  // namespace runtime_c_api
