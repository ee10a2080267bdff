// bpftime-vm: the C API of runs: over memory, over packets, over the entries of a map
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "boundary.hpp"
#include "bpftime_vm_compat.hpp"
#include "compat/last_error.hpp"
#include "ebpf-host.h"
#include "ebpf-network.h"
#include "ebpf-object.h"
#include "handles.hpp"
#include "packet_fields.hpp"
#include "runtime/iterator.hpp"
#include "runtime/packet.hpp"
#include "runtime/read_section.hpp"
#include "sites.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

using namespace bpftime::vm;
using namespace bpftime::vm::runtime_capi;

int bpftime::vm::runtime_capi::not_loaded(const ebpf_program &p) {
    return refuse(fmt::format("program '{}' is not loaded", p.info->name));
}

namespace {

int failed(int64_t code) {
    errno = EINVAL;
    return static_cast<int>(code);
}

int run_at(const ebpf_program &p, const ebpf_sites *given, std::span<uint8_t> memory,
           int64_t *result) {
    if (p.loaded->takes_packets()) {
        return refuse(fmt::format(
            "program '{}' judges packets: run it by ebpf_program_run_packet()", p.info->name));
    }
    entered_sites sites;
    if (const auto done = sites.enter(given); not done) return report(done.error());
    std::optional<runtime::read_section> reading;  // what a site got may be in a map
    if (given != nullptr) reading.emplace();
    int64_t r0 = 0;
    const int64_t code = p.vm()->exec(memory.data(), memory.size(), r0);
    if (code < 0) return failed(code);
    sites.give_back();
    if (result != nullptr) *result = r0;
    return 0;
}

// --- tunnels

runtime::ip_address address_of(const uint8_t (&bytes)[16], uint32_t is_ipv6) {
    return runtime::ip_address{std::span{bytes}.first(is_ipv6 != 0 ? 16 : 4)};
}

void copy_address(const runtime::ip_address &from, uint8_t (&to)[16]) {
    std::ranges::fill(to, uint8_t{0});
    std::ranges::copy(from.bytes(), to);
}

/// What the caller says of a tunnel, as it was before the run.
result<ebpf_tunnel> read_tunnel(runtime::packet_context &context, const ebpf_tunnel *given) {
    auto read = read_struct(given, "packet->tunnel");
    if (not read) return read;
    const bool has_options = read->is_present != 0 and read->options_size != 0;
    if (read->options == nullptr and (has_options or read->options_capacity != 0)) {
        return std::unexpected{
            make_error(error_code::invalid_argument, "packet->tunnel->options is NULL")};
    }
    if (read->is_present == 0) return read;
    runtime::packet_tunnel &tunnel = context.tunnel().emplace(
        runtime::packet_tunnel{.id = read->id,
                               .source = address_of(read->source, read->is_ipv6),
                               .destination = address_of(read->destination, read->is_ipv6),
                               .service = read->service,
                               .hops = read->hops,
                               .flow_label = read->flow_label,
                               .flags = read->flags});
    const auto options = bytes(static_cast<const void *>(read->options), read->options_size);
    if (not options.empty()) tunnel.options.emplace(options.begin(), options.end());
    return read;
}

void write_tunnel(const std::optional<runtime::packet_tunnel> &from, ebpf_tunnel values,
                  ebpf_tunnel *to) {
    values.is_present = from.has_value();
    values.options_size = 0;
    if (from) {
        values.is_outgoing = from->is_outgoing;
        values.id = from->id;
        copy_address(from->source, values.source);
        copy_address(from->destination, values.destination);
        values.is_ipv6 = from->destination.is_ipv6();
        values.flow_label = from->flow_label;
        values.flags = from->flags;
        values.service = from->service;
        values.hops = from->hops;
        const auto options = from->options.value_or(std::vector<uint8_t>{});
        values.options_size = options.size();
        const std::size_t fits = std::min(options.size(), values.options_capacity);
        std::copy_n(options.begin(), fits, static_cast<uint8_t *>(values.options));
    }
    write_struct(to, values);
}

// --- packets

/// The interface that the target's entry of a map names now; 0: it names none.
uint32_t interface_of(const runtime::packet_target &t) {
    const map_type type = t.through->definition().type;
    const bool has_interfaces = type == map_type::devmap or type == map_type::devmap_hash;
    if (not has_interfaces or t.is_everywhere()) return 0;
    auto *const through = const_cast<runtime::map *>(t.through);
    const void *const value = through->lookup_elem(&t.key);
    uint32_t interface = 0;
    if (value != nullptr) std::memcpy(&interface, value, sizeof interface);
    return interface;
}

ebpf_redirect redirect_of(const runtime::packet_target &t) {
    using way = runtime::packet_target::way;
    ebpf_redirect r{};
    r.key = t.key;
    r.flags = t.flags;
    if (t.through != nullptr) {
        r.kind = t.how == way::socket ? EBPF_REDIRECT_SOCKET
                 : t.is_everywhere()  ? EBPF_REDIRECT_EVERYWHERE
                                      : EBPF_REDIRECT_MAP;
        r.map_id = t.through->id();
        r.ifindex = interface_of(t);
        return r;
    }
    r.ifindex = t.key;
    r.kind = t.how == way::neighbour ? EBPF_REDIRECT_NEIGHBOUR
             : t.how == way::peer    ? EBPF_REDIRECT_PEER
                                     : EBPF_REDIRECT_INTERFACE;
    return r;
}

void give_context(runtime::packet_context &context, const ebpf_packet &p) {
    if (runtime::xdp_context *const xdp = context.xdp()) {
        if (p.ifindex != 0) xdp->ingress_ifindex = p.ifindex;
        xdp->rx_queue_index = p.rx_queue;
    } else if (runtime::skb_context *const skb = context.skb()) {
        if (p.ifindex != 0) skb->ifindex = p.ifindex;
        skb->mark = p.mark;
        skb->priority = p.priority;
    }
}

void take_results(runtime::packet_context &context, ebpf_packet &p) {
    p.data = context.packet().data();
    p.data_size = context.packet().size();
    p.metadata_size = context.metadata().size();
    if (const runtime::skb_context *const skb = context.skb()) {
        p.mark = skb->mark;
        p.priority = skb->priority;
    }
    p.redirect = context.target() ? redirect_of(*context.target()) : ebpf_redirect{};
    p.copy_count = context.copies().size();
    for (std::size_t i = 0; i < std::min(p.copy_count, p.copy_capacity); ++i)
        p.copies[i] = redirect_of(context.copies()[i]);
}

/// What a caller gave with a packet besides its bytes.
result<ebpf_tunnel> give_surroundings(runtime::packet_context &context, const ebpf_packet &p) {
    if (p.network != nullptr) context.set_network(p.network->values);
    if (p.control_groups != nullptr)
        context.set_control_groups({p.control_groups, p.control_groups + p.control_group_count});
    if (const auto done =
            read_context(context, bytes(static_cast<const void *>(p.context), p.context_size));
        not done)
        return std::unexpected{done.error()};
    return p.tunnel == nullptr ? ebpf_tunnel{} : read_tunnel(context, p.tunnel);
}

void take_surroundings(runtime::packet_context &context, const ebpf_tunnel &tunnel,
                       ebpf_packet &p) {
    write_context(context, bytes(p.context, p.context_size));
    if (p.tunnel != nullptr) write_tunnel(context.tunnel(), tunnel, p.tunnel);
    const runtime::network_socket *const socket = context.socket();
    p.socket = socket == nullptr or socket->owner == nullptr ? 0 : socket->owner->number();
}

int check(const ebpf_packet &p) {
    if (p.frame == nullptr) return refuse("packet->frame is NULL");
    if (p.copies == nullptr and p.copy_capacity != 0) return refuse("packet->copies is NULL");
    if (p.control_groups == nullptr and p.control_group_count != 0)
        return refuse("packet->control_groups is NULL");
    return p.context == nullptr and p.context_size != 0 ? refuse("packet->context is NULL") : 0;
}

int run_packet(const ebpf_program &program, ebpf_packet &p) {
    if (const int wrong = check(p)) return wrong;
    auto context = runtime::packet_context::create(program.loaded->type,
                                                   {static_cast<uint8_t *>(p.frame), p.frame_size},
                                                   {.before = p.head_room, .after = p.tail_room});
    if (not context) return report(context.error());
    give_context(*context, p);
    const auto tunnel = give_surroundings(*context, p);
    if (not tunnel) return report(tunnel.error());
    entered_sites sites;
    if (const auto done = sites.enter(p.sites); not done) return report(done.error());
    const runtime::read_section reading;  // the target may be in a map that others take out
    int64_t r0 = 0;
    const int64_t code = context->exec(*program.vm(), r0);
    if (code < 0) return failed(code);
    p.verdict = static_cast<uint32_t>(r0);
    take_results(*context, p);
    take_surroundings(*context, *tunnel, p);
    sites.give_back();
    return 0;
}

// --- entries of maps

int iterate(const ebpf_program &program, const ebpf_map &over, char **text, size_t *size) {
    auto written = runtime::iterate(*program.loaded, over.made);
    if (not written) return report(written.error());
    char *const copy = static_cast<char *>(std::malloc(written->size() + 1));
    if (copy == nullptr) throw std::bad_alloc{};
    std::memcpy(copy, written->c_str(), written->size() + 1);
    *text = copy;
    if (size != nullptr) *size = written->size();
    return 0;
}

}  // namespace

extern "C" {

int ebpf_program_run(struct ebpf_program *program, void *mem, size_t mem_size, int64_t *result) {
    return ebpf_program_run_at(program, nullptr, mem, mem_size, result);
}

int ebpf_program_run_at(struct ebpf_program *program, const struct ebpf_sites *sites, void *mem,
                        size_t mem_size, int64_t *result) {
    return with(program, "program", [&](ebpf_program &p) -> int {
        if (p.loaded == nullptr) return not_loaded(p);
        return run_at(p, sites, {static_cast<uint8_t *>(mem), mem_size}, result);
    });
}

int ebpf_program_run_packet(struct ebpf_program *program, struct ebpf_packet *packet) {
    return with(program, "program", [&](ebpf_program &p) -> int {
        if (p.loaded == nullptr) return not_loaded(p);
        if (not p.loaded->takes_packets()) {
            return refuse(
                fmt::format("program '{}' (section {}) judges no packets: run it by "
                            "ebpf_program_run()",
                            p.info->name, p.info->section));
        }
        auto given = read_struct(packet, "packet");
        if (not given) return report(given.error());
        if (const int code = run_packet(p, *given)) return code;
        write_struct(packet, *given);
        return 0;
    });
}

int ebpf_program_iterate(struct ebpf_program *program, struct ebpf_map *map, char **text,
                         size_t *size) {
    return with(program, "program", [&](ebpf_program &p) -> int {
        if (p.loaded == nullptr) return not_loaded(p);
        if (text == nullptr) return refuse("text is NULL");
        if (map == nullptr) return refuse("map is NULL");
        return map->made == nullptr ? report(not_made(*map)) : iterate(p, *map, text, size);
    });
}

}  // extern "C"
