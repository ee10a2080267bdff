// bpftime-vm: the C API of networks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-network.h"

#include "boundary.hpp"
#include "handles.hpp"
#include "runtime/network.hpp"
#include "runtime_json/network.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>

#include <algorithm>

using namespace bpftime::vm;
using namespace bpftime::vm::runtime_capi;
using runtime::ip_address;

static_assert(EBPF_ROUTE_UNICAST == static_cast<int>(runtime::route_kind::unicast));
static_assert(EBPF_ROUTE_LOCAL == static_cast<int>(runtime::route_kind::local));
static_assert(EBPF_ROUTE_BLACKHOLE == static_cast<int>(runtime::route_kind::blackhole));
static_assert(EBPF_ROUTE_UNREACHABLE == static_cast<int>(runtime::route_kind::unreachable));
static_assert(EBPF_ROUTE_PROHIBIT == static_cast<int>(runtime::route_kind::prohibit));

namespace {

std::unexpected<error> invalid(std::string_view what) {
    return std::unexpected{make_error(error_code::invalid_argument, what)};
}

result<ip_address> address_of(const char *text, const char *name) {
    if (text == nullptr) return invalid(fmt::format("{} is NULL", name));
    const auto read = ip_address::parse(text);
    if (read) return *read;
    return invalid(fmt::format("{} '{}' is no address of IP", name, runtime_json::printable(text)));
}

result<std::optional<ip_address>> address_if_any(const char *text, const char *name) {
    if (text == nullptr) return std::optional<ip_address>{};
    auto read = address_of(text, name);
    if (not read) return std::unexpected{std::move(read.error())};
    return std::optional{*read};
}

result<runtime::ip_prefix> prefix_of(const char *text) {
    if (text == nullptr) return invalid("prefix is NULL");
    const auto read = runtime::ip_prefix::parse(text);
    if (read) return *read;
    return invalid(
        fmt::format("prefix '{}' is not written as ADDRESS/LENGTH", runtime_json::printable(text)));
}

runtime::link_address link_of(const uint8_t (&bytes)[6]) {
    runtime::link_address link{};
    std::ranges::copy(bytes, link.begin());
    return link;
}

result<runtime::network_interface> interface_of(const ebpf_interface &given) {
    constexpr uint32_t known =
        EBPF_INTERFACE_KEEPS_IPV4 | EBPF_INTERFACE_KEEPS_IPV6 | EBPF_INTERFACE_HAS_NO_HEADER;
    if (given.index == 0) return invalid("index is 0");
    if ((given.flags & ~known) != 0) return invalid(fmt::format("flags {:#x}", given.flags));
    if (given.address_count != 0 and given.addresses == nullptr)
        return invalid("addresses is NULL");
    runtime::network_interface made{.index = given.index, .address = link_of(given.address)};
    if (given.mtu != 0) made.mtu = given.mtu;
    if ((given.flags & EBPF_INTERFACE_HAS_NO_HEADER) != 0) made.link_header_bytes = 0;
    made.forwards_ipv4 = (given.flags & EBPF_INTERFACE_KEEPS_IPV4) == 0;
    made.forwards_ipv6 = (given.flags & EBPF_INTERFACE_KEEPS_IPV6) == 0;
    for (std::size_t i = 0; i < given.address_count; ++i) {
        const auto address = address_of(given.addresses[i], "an address");
        if (not address) return std::unexpected{address.error()};
        made.addresses.push_back(*address);
    }
    return made;
}

result<runtime::network_route> route_of(const ebpf_route &given) {
    if (given.kind > EBPF_ROUTE_PROHIBIT) return invalid(fmt::format("kind {}", given.kind));
    const auto prefix = prefix_of(given.prefix);
    if (not prefix) return std::unexpected{prefix.error()};
    const auto gateway = address_if_any(given.gateway, "gateway");
    if (not gateway) return std::unexpected{gateway.error()};
    const auto source = address_if_any(given.source, "source");
    if (not source) return std::unexpected{source.error()};
    return runtime::network_route{.prefix = prefix->address,
                                  .prefix_length = prefix->length,
                                  .interface = given.ifindex,
                                  .gateway = *gateway,
                                  .source = *source,
                                  .mtu = given.mtu,
                                  .metric = given.metric,
                                  .kind = static_cast<runtime::route_kind>(given.kind),
                                  .table = given.table != 0 ? given.table : runtime::main_table};
}

result<runtime::network_neighbour> neighbour_of(const ebpf_neighbour &given) {
    const auto address = address_of(given.address, "address");
    if (not address) return std::unexpected{address.error()};
    return runtime::network_neighbour{
        .interface = given.ifindex, .address = *address, .link = link_of(given.link_address)};
}

// --- sockets

result<runtime::socket_view> view_of(const ebpf_socket &given) {
    if (given.protocol != IPPROTO_TCP and given.protocol != IPPROTO_UDP)
        return invalid(fmt::format("protocol {} is neither TCP nor UDP", given.protocol));
    if ((given.remote == nullptr) != (given.remote_port == 0))
        return invalid("remote and remote_port go together");
    const auto local = address_of(given.local, "local");
    if (not local) return std::unexpected{local.error()};
    const auto remote = address_if_any(given.remote, "remote");
    if (not remote) return std::unexpected{remote.error()};
    if (*remote and (*remote)->is_ipv6() != local->is_ipv6())
        return invalid("local and remote are of different versions of IP");
    runtime::socket_view view = runtime::view_of({.protocol = given.protocol,
                                                  .local = *local,
                                                  .local_port = given.local_port,
                                                  .remote = *remote,
                                                  .remote_port = given.remote_port});
    if (given.state != 0) view.state = given.state;
    view.bound_dev_if = given.bound_ifindex;
    view.mark = given.mark;
    view.priority = given.priority;
    return view;
}

result<runtime::network_socket> socket_of(const ebpf_socket &given) {
    const auto view = view_of(given);
    if (not view) return std::unexpected{view.error()};
    runtime::network_socket made{.view = *view};
    if (given.tcp != nullptr) {
        if (given.protocol != IPPROTO_TCP) return invalid("tcp is given, but the protocol is UDP");
        if (given.tcp_size > sizeof(runtime::tcp_view))
            return invalid(fmt::format("tcp_size is {}, more than {}", given.tcp_size,
                                       sizeof(runtime::tcp_view)));
        std::memcpy(&made.tcp.emplace(), given.tcp, given.tcp_size);
    }
    if (given.owner != nullptr) {
        if (given.owner->made->kind() != runtime::owner_kind::socket)
            return invalid("owner is not of kind EBPF_OWNER_SOCKET");
        made.owner = given.owner->made;
    }
    return made;
}

ebpf_connection connection_of(const runtime::network_connection &c) {
    ebpf_connection wanted{.size = sizeof(ebpf_connection),
                           .protocol = c.protocol,
                           .ifindex = c.interface,
                           .local = {},
                           .remote = {},
                           .local_port = c.local_port,
                           .remote_port = c.remote_port,
                           .is_ipv6 = c.local.is_ipv6() ? 1U : 0U};
    std::ranges::copy(c.local.bytes(), wanted.local);
    std::ranges::copy(c.remote.bytes(), wanted.remote);
    return wanted;
}

runtime::socket_lookup lookup_by(ebpf_socket_lookup_fn lookup, void *context) {
    if (lookup == nullptr) return {};
    return [lookup, context](const runtime::network_connection &c)
               -> std::shared_ptr<const runtime::network_socket> {
        const ebpf_connection wanted = connection_of(c);
        ebpf_socket found{};
        found.size = sizeof found;
        if (lookup(context, &wanted, &found) != 1) return nullptr;
        auto made = socket_of(found);
        if (not made) return nullptr;
        return std::make_shared<const runtime::network_socket>(std::move(*made));
    };
}

/// Reads a struct of the caller's and adds what `make` makes of it.
template <typename Struct, typename Make>
int add(ebpf_network *network, const Struct *added, const char *name, Make make) noexcept {
    return with(network, "network", [&](ebpf_network &net) -> int {
        const auto given = read_struct(added, name);
        if (not given) return report(given.error());
        auto made = make(*given);
        if (not made) return report(made.error());
        net.values.add(std::move(*made));
        return 0;
    });
}

}  // namespace

extern "C" {

struct ebpf_network *ebpf_network_create(void) {
    return guarded([] { return new ebpf_network; });
}

void ebpf_network_close(struct ebpf_network *network) { delete network; }

int ebpf_network_add_interface(struct ebpf_network *network, const struct ebpf_interface *added) {
    return add(network, added, "interface", interface_of);
}

int ebpf_network_add_route(struct ebpf_network *network, const struct ebpf_route *added) {
    return add(network, added, "route", route_of);
}

int ebpf_network_add_neighbour(struct ebpf_network *network, const struct ebpf_neighbour *added) {
    return add(network, added, "neighbour", neighbour_of);
}

int ebpf_network_add_socket(struct ebpf_network *network, const struct ebpf_socket *added,
                            uint32_t *number) {
    return add(network, added, "socket", [number](const ebpf_socket &given) {
        auto made = socket_of(given);
        if (made and made->owner == nullptr)
            made->owner =
                std::make_shared<const runtime::storage_owner>(runtime::owner_kind::socket);
        if (made and number != nullptr) *number = made->owner->number();
        return made;
    });
}

int ebpf_network_set_socket_lookup(struct ebpf_network *network, ebpf_socket_lookup_fn lookup,
                                   void *context) {
    return with(network, "network", [&](ebpf_network &net) -> int {
        net.values.set_socket_lookup(lookup_by(lookup, context));
        return 0;
    });
}

int ebpf_network_load_json(struct ebpf_network *network, const char *json) {
    return with(network, "network", [&](ebpf_network &net) -> int {
        if (json == nullptr) return refuse("json is NULL");
        const auto document = runtime_json::parse(json);
        if (not document) return report(document.error());
        return to_c(runtime_json::add_to(net.values, *document));
    });
}

}  // extern "C"
