// bpftime-vm: the network that programs ask about, from JSON
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime_json/network.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace bpftime::vm::runtime_json {

namespace {

using runtime::ip_address;
using runtime::ip_prefix;
using runtime::link_address;
using maybe_error = std::optional<error>;

error wrong(std::string_view what) { return make_error(error_code::invalid_argument, what); }

/// "02:00:00:00:00:07"
std::optional<link_address> parse_link(std::string_view text) {
    constexpr std::size_t digits = 2;
    link_address link{};
    if (text.size() != link.size() * (digits + 1) - 1) return {};
    for (std::size_t i = 0; i < link.size(); ++i) {
        const std::string_view part = text.substr(i * (digits + 1), digits);
        const bool ends_well = i + 1 == link.size() or text[i * (digits + 1) + digits] == ':';
        const auto byte = parse_integer(fmt::format("0x{}", part), 1);
        if (not ends_well or not byte) return {};
        link[i] = byte->front();
    }
    return link;
}

/// One object of a document: every member is asked for by name, and what nobody asked for is an
/// error. The first error stays.
class members {
public:
    members(const json &object, std::string_view what) : object_{object}, what_{what} {
        if (not object.is_object()) failed_ = wrong(fmt::format("{} is no object", what));
    }

    void read(const char *name, bool &to) {
        const json *const found = find(name);
        if (found == nullptr) return;
        if (not found->is_boolean()) return refuse(name, "true or false");
        to = found->get<bool>();
    }
    template <typename Number>
    void read_number(const char *name, Number &to) {
        const json *const found = find(name);
        if (found == nullptr) return;
        if (not found->is_string() and not found->is_number_integer())
            return refuse(name, "a number that fits");
        const std::string text = found->is_string() ? found->get<std::string>() : found->dump();
        const auto bytes = parse_integer(text, sizeof(Number));
        if (not bytes or text.starts_with('-')) return refuse(name, "a number that fits");
        std::memcpy(&to, bytes->data(), sizeof to);
    }
    void read(const char *name, ip_address &to) {
        read_text(name, "an address of IP", to,
                  [](const std::string &text) { return ip_address::parse(text.c_str()); });
    }
    void read(const char *name, std::optional<ip_address> &to) {
        ip_address address;
        if (not has(name)) return;
        read(name, address);
        to = address;
    }
    void read(const char *name, ip_prefix &to) {
        read_text(name, "an address and the length of a prefix", to,
                  [](const std::string &text) { return ip_prefix::parse(text); });
    }
    void read(const char *name, link_address &to) {
        read_text(name, "a link address", to,
                  [](const std::string &text) { return parse_link(text); });
    }
    void read(const char *name, std::vector<ip_address> &to) {
        const json *const found = find(name);
        if (found == nullptr) return;
        if (not found->is_array()) return refuse(name, "an array of addresses");
        for (const json &element : *found) {
            const auto address = element.is_string()
                                     ? ip_address::parse(element.get<std::string>().c_str())
                                     : std::nullopt;
            if (not address) return refuse(name, "an array of addresses");
            to.push_back(*address);
        }
    }
    /// One of a few words, each with its value.
    template <typename Value, std::size_t N>
    void read_word(const char *name, const std::array<std::pair<std::string_view, Value>, N> &words,
                   Value &to) {
        read_text(name, "one of the words that it may be", to,
                  [&](const std::string &text) -> std::optional<Value> {
                      const auto at = std::ranges::find(
                          words, text, [](const auto &word) { return word.first; });
                      return at == words.end() ? std::nullopt : std::optional{at->second};
                  });
    }
    void require(const char *name) {
        if (not failed_ and not object_.contains(name))
            failed_ = wrong(fmt::format("{} has no \"{}\"", what_, name));
    }
    [[nodiscard]] bool has(const char *name) const {
        return object_.is_object() and object_.contains(name);
    }

    /// What was wrong, members that nobody asked for included.
    maybe_error finish() && {
        if (failed_) return std::move(failed_);
        for (const auto &[name, value] : object_.items()) {
            if (std::ranges::find(known_, name) == known_.end())
                return wrong(fmt::format("{} has an unknown \"{}\"", what_, printable(name)));
        }
        return {};
    }

private:
    const json *find(const char *name) {
        known_.emplace_back(name);
        if (failed_ or not object_.is_object()) return nullptr;
        const auto at = object_.find(name);
        return at == object_.end() ? nullptr : &*at;
    }
    void refuse(const char *name, std::string_view wanted) {
        failed_ = wrong(fmt::format("{}: \"{}\" is not {}", what_, name, wanted));
    }
    template <typename Value, typename Parse>
    void read_text(const char *name, std::string_view wanted, Value &to, Parse parse) {
        const json *const found = find(name);
        if (found == nullptr) return;
        const auto value = found->is_string() ? parse(found->get<std::string>()) : std::nullopt;
        if (not value) return refuse(name, wanted);
        to = *value;
    }

    const json &object_;
    std::string what_;
    std::vector<std::string> known_;
    maybe_error failed_;
};

maybe_error add_interface(runtime::network &network, const json &object, std::string_view what) {
    members m{object, what};
    runtime::network_interface made;
    bool has_header = true;
    m.require("index");
    m.read_number("index", made.index);
    m.read("address", made.address);
    m.read_number("mtu", made.mtu);
    m.read("addresses", made.addresses);
    m.read("forwards_ipv4", made.forwards_ipv4);
    m.read("forwards_ipv6", made.forwards_ipv6);
    m.read("has_header", has_header);
    if (auto failed = std::move(m).finish()) return failed;
    if (made.index == 0) return wrong(fmt::format("{}: \"index\" is 0", what));
    if (not has_header) made.link_header_bytes = 0;
    network.add(std::move(made));
    return {};
}

maybe_error add_route(runtime::network &network, const json &object, std::string_view what) {
    using runtime::route_kind;
    constexpr auto kinds = std::to_array<std::pair<std::string_view, route_kind>>({
        {"unicast", route_kind::unicast},
        {"local", route_kind::local},
        {"blackhole", route_kind::blackhole},
        {"unreachable", route_kind::unreachable},
        {"prohibit", route_kind::prohibit},
    });
    members m{object, what};
    runtime::network_route made;
    ip_prefix prefix;
    m.require("prefix");
    m.read("prefix", prefix);
    m.read_number("interface", made.interface);
    m.read("gateway", made.gateway);
    m.read("source", made.source);
    m.read_number("mtu", made.mtu);
    m.read_number("metric", made.metric);
    m.read_word("kind", kinds, made.kind);
    m.read_number("table", made.table);
    if (auto failed = std::move(m).finish()) return failed;
    made.prefix = prefix.address;
    made.prefix_length = prefix.length;
    network.add(made);
    return {};
}

maybe_error add_neighbour(runtime::network &network, const json &object, std::string_view what) {
    members m{object, what};
    runtime::network_neighbour made;
    for (const char *const name : {"interface", "address", "link"}) m.require(name);
    m.read_number("interface", made.interface);
    m.read("address", made.address);
    m.read("link", made.link);
    if (auto failed = std::move(m).finish()) return failed;
    network.add(made);
    return {};
}

maybe_error add_socket(runtime::network &network, const json &object, std::string_view what) {
    constexpr auto protocols = std::to_array<std::pair<std::string_view, uint32_t>>(
        {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}});
    members m{object, what};
    runtime::socket_ends ends;
    runtime::socket_view more;
    for (const char *const name : {"protocol", "local", "local_port"}) m.require(name);
    m.read_word("protocol", protocols, ends.protocol);
    m.read("local", ends.local);
    m.read_number("local_port", ends.local_port);
    m.read("remote", ends.remote);
    m.read_number("remote_port", ends.remote_port);
    m.read_number("state", more.state);
    m.read_number("interface", more.bound_dev_if);
    m.read_number("mark", more.mark);
    m.read_number("priority", more.priority);
    if (m.has("remote") != m.has("remote_port"))
        return wrong(fmt::format("{}: \"remote\" and \"remote_port\" go together", what));
    if (auto failed = std::move(m).finish()) return failed;
    if (ends.remote and ends.remote->is_ipv6() != ends.local.is_ipv6())
        return wrong(fmt::format("{}: its addresses are of different versions of IP", what));
    runtime::socket_view view = view_of(ends);
    if (more.state != 0) view.state = more.state;
    view.bound_dev_if = more.bound_dev_if;
    view.mark = more.mark;
    view.priority = more.priority;
    network.add(runtime::network_socket{.view = view});
    return {};
}

using adder = maybe_error (*)(runtime::network &network, const json &object, std::string_view what);

struct part_row {
    std::string_view name;
    std::string_view singular;
    adder add;
};

constexpr auto parts = std::to_array<part_row>({
    {"interfaces", "interface", add_interface},
    {"routes", "route", add_route},
    {"neighbours", "neighbour", add_neighbour},
    {"sockets", "socket", add_socket},
});

}  // namespace

result<void> add_to(runtime::network &network, const json &document) {
    if (not document.is_object()) return std::unexpected{wrong("a network is an object")};
    for (const auto &[name, rows] : document.items()) {
        const auto *const part = std::ranges::find(parts, name, &part_row::name);
        if (part == parts.end()) {
            return std::unexpected{wrong(fmt::format("a network has no \"{}\"", printable(name)))};
        }
        if (not rows.is_array())
            return std::unexpected{wrong(fmt::format("\"{}\" is no array", name))};
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::string what = fmt::format("{} {}", part->singular, i + 1);
            if (auto failed = part->add(network, rows[i], what))
                return std::unexpected{std::move(*failed)};
        }
    }
    return {};
}

}  // namespace bpftime::vm::runtime_json
