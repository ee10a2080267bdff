// bpftime-vm: networks from JSON
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime_json/network.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace bpftime::vm::runtime_json::test {

using runtime::ip_address;
using runtime::network;
using testing::HasSubstr;

namespace {

ip_address address(const char *text) { return ip_address::parse(text).value(); }

TEST(network_from_json, has_all_that_it_says) {
    network net;
    const auto document = parse(R"({
        "interfaces": [{"index": 2, "address": "02:00:00:00:00:0a", "mtu": "0x578", "addresses": ["10.0.0.1", "fd00::1"],
                        "forwards_ipv6": false, "has_header": false}],
        "routes": [{"prefix": "10.9.0.0/16", "interface": 2, "gateway": "10.0.0.7", "source": "10.0.0.1", "metric": 5,
                    "mtu": 1000, "table": 77},
                   {"prefix": "::/0", "kind": "prohibit"}],
        "neighbours": [{"interface": 2, "address": "10.0.0.7", "link": "02:00:00:00:00:77"}],
        "sockets": [{"protocol": "tcp", "local": "10.0.0.1", "local_port": 80, "mark": 6, "priority": 7, "interface": 2},
                    {"protocol": "udp", "local": "::1", "local_port": 53, "remote": "::2", "remote_port": 1000, "state": 3}]})");
    ASSERT_TRUE(document) << document.error().message;
    const auto done = add_to(net, *document);
    ASSERT_TRUE(done) << done.error().message;
    const auto *const interface = net.find_interface(2);
    ASSERT_NE(interface, nullptr);
    EXPECT_EQ(interface->mtu, 1400U);
    EXPECT_EQ(interface->address, (runtime::link_address{2, 0, 0, 0, 0, 10}));
    EXPECT_EQ(interface->link_header_bytes, 0U);
    EXPECT_TRUE(interface->forwards_ipv4);
    EXPECT_FALSE(interface->forwards_ipv6);
    EXPECT_EQ(interface->addresses, (std::vector{address("10.0.0.1"), address("fd00::1")}));
    const auto *const route = net.find_route(address("10.9.1.1"), 77, 0);
    ASSERT_NE(route, nullptr);
    EXPECT_EQ(route->gateway, address("10.0.0.7"));
    EXPECT_EQ(route->source, address("10.0.0.1"));
    EXPECT_EQ(route->mtu, 1000U);
    const auto *const prohibited = net.find_route(address("fd00::9"), runtime::main_table, 0);
    ASSERT_NE(prohibited, nullptr);
    EXPECT_EQ(prohibited->kind, runtime::route_kind::prohibit);
    const auto *const neighbour = net.find_neighbour(2, address("10.0.0.7"));
    ASSERT_NE(neighbour, nullptr);
    EXPECT_EQ(neighbour->link[5], 0x77);
    const auto *const waiting = net.find_socket({.protocol = 6,
                                                 .local = address("10.0.0.1"),
                                                 .remote = address("10.0.0.9"),
                                                 .local_port = 80,
                                                 .remote_port = 9,
                                                 .interface = 2});
    ASSERT_NE(waiting, nullptr);
    EXPECT_EQ(waiting->view.state, 10U);
    EXPECT_EQ(waiting->view.mark, 6U);
    EXPECT_EQ(waiting->view.priority, 7U);
    const auto *const connected = net.find_socket({.protocol = 17,
                                                   .local = address("::1"),
                                                   .remote = address("::2"),
                                                   .local_port = 53,
                                                   .remote_port = 1000});
    ASSERT_NE(connected, nullptr);
    EXPECT_EQ(connected->view.state, 3U);
}

struct wrong_document {
    const char *text;
    const char *message;
};

TEST(network_from_json, is_refused_if_it_is_none) {
    constexpr auto documents = std::to_array<wrong_document>({
        {"[]", "a network is an object"},
        {R"({"roads": []})", "a network has no \"roads\""},
        {R"({"routes": {}})", "\"routes\" is no array"},
        {R"({"routes": [1]})", "route 1 is no object"},
        {R"({"routes": [{"prefix": "::/0"}, {}]})", "route 2 has no \"prefix\""},
        {R"({"routes": [{"prefix": "10.0.0.0"}]})", "\"prefix\" is not an address and the length"},
        {R"({"routes": [{"prefix": "::/0", "kind": "scenic"}]})",
         "\"kind\" is not one of the words"},
        {R"({"routes": [{"prefix": "::/0", "speed": 1}]})", "route 1 has an unknown \"speed\""},
        {R"({"routes": [{"prefix": "::/0", "table": -1}]})", "\"table\" is not a number that fits"},
        {R"({"routes": [{"prefix": "::/0", "table": 4294967296}]})", "\"table\" is not a number"},
        {R"({"routes": [{"prefix": "::/0", "table": [1]}]})",
         "\"table\" is not a number that fits"},
        {R"({"routes": [{"prefix": "::/0", "table": 1.5}]})",
         "\"table\" is not a number that fits"},
        {R"({"routes": [{"prefix": "::/0", "gateway": 5}]})",
         "\"gateway\" is not an address of IP"},
        {R"({"interfaces": [{"index": 0}]})", "interface 1: \"index\" is 0"},
        {R"({"interfaces": [{"index": 2, "address": "02:00"}]})",
         "\"address\" is not a link address"},
        {R"({"interfaces": [{"index": 2, "address": "02:00:00:00:00-0a"}]})",
         "is not a link address"},
        {R"({"interfaces": [{"index": 2, "addresses": ["x"]}]})", "is not an array of addresses"},
        {R"({"interfaces": [{"index": 2, "has_header": 1}]})", "is not true or false"},
        {R"({"neighbours": [{"interface": 2, "address": "::1"}]})", "neighbour 1 has no \"link\""},
        {R"({"sockets": [{"protocol": "sctp", "local": "::", "local_port": 1}]})",
         "\"protocol\" is not"},
        {R"({"sockets": [{"protocol": "tcp", "local": "::", "local_port": 65536}]})",
         "\"local_port\" is not"},
        {R"({"sockets": [{"protocol": "tcp", "local": "::", "local_port": 1, "remote": "::1"}]})",
         "go together"},
        {R"({"sockets": [{"protocol": "tcp", "local": "::", "local_port": 1, "remote": "1.1.1.1", "remote_port": 1}]})",
         "different versions"},
    });
    for (const wrong_document &d : documents) {
        network net;
        const auto done = add_to(net, parse(d.text).value());
        ASSERT_FALSE(done) << d.text;
        EXPECT_EQ(done.error().code, error_code::invalid_argument);
        EXPECT_THAT(done.error().message, HasSubstr(d.message)) << d.text;
    }
}

}  // namespace

}  // namespace bpftime::vm::runtime_json::test
