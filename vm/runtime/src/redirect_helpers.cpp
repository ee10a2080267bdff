// bpftime-vm: the helpers that say where a packet goes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_words.hpp"
#include "runtime/network.hpp"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <cerrno>
#include <optional>

namespace bpftime::vm::runtime {

namespace {

/// Flags of bpf_redirect_map() besides the verdict; nothing for maps that say no way.
std::optional<uint64_t> redirect_flags(map_type type) noexcept {
    switch (type) {
    case map_type::devmap:
    case map_type::devmap_hash: return BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS;
    case map_type::cpumap:
    case map_type::xskmap: return 0;
    default: return {};
    }
}

}  // namespace

uint64_t helper::redirect(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    packet_context *const p = packet_context::running();
    if (p == nullptr) return word_of(-EINVAL);
    const bool is_xdp = p->xdp() != nullptr;
    const uint64_t known_flags = is_xdp ? 0 : BPF_F_INGRESS;
    if ((r2 & ~known_flags) != 0) return is_xdp ? uint64_t{XDP_ABORTED} : uint64_t{TC_ACT_SHOT};
    p->set_target(packet_target{.key = static_cast<uint32_t>(r1), .flags = r2});
    return is_xdp ? uint64_t{XDP_REDIRECT} : uint64_t{TC_ACT_REDIRECT};
}

uint64_t helper::redirect_map(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    constexpr uint64_t verdict_mask = XDP_TX;  // what to return if there is no entry
    packet_context *const p = packet_context::running();
    if (p == nullptr or p->xdp() == nullptr) return word_of(-EINVAL);
    map &through = map_of(r1);
    const auto known_flags = redirect_flags(through.definition().type);
    if (not known_flags or (r3 & ~(verdict_mask | *known_flags)) != 0) return XDP_ABORTED;
    const auto key = static_cast<uint32_t>(r2);
    if ((r3 & BPF_F_BROADCAST) == 0 and through.lookup_elem(&key) == nullptr) {
        p->set_target({});
        return r3 & verdict_mask;
    }
    p->set_target(packet_target{.through = &through, .key = key, .flags = r3});
    return XDP_REDIRECT;
}

uint64_t helper::clone_redirect(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    packet_context *const p = skb_of(r1);
    const auto interface = static_cast<uint32_t>(r2);
    if (p == nullptr or (r3 & ~uint64_t{BPF_F_INGRESS}) != 0) return word_of(-EINVAL);
    if (p->network().find_interface(interface) == nullptr) return word_of(-EINVAL);
    return word_of(p->add_copy({.key = interface, .flags = r3}));
}

namespace {

/// Both helpers are of traffic control alone, and take no flags.
uint64_t redirect_by(packet_target::way how, uint64_t interface, uint64_t flags) noexcept {
    packet_context *const p = packet_context::running();
    if (p == nullptr) return word_of(-EINVAL);
    if (flags != 0) return TC_ACT_SHOT;
    p->set_target(packet_target{.key = static_cast<uint32_t>(interface), .how = how});
    return TC_ACT_REDIRECT;
}

}  // namespace

uint64_t helper::redirect_neigh(uint64_t r1, uint64_t, uint64_t r3, uint64_t r4, uint64_t) {
    const auto size = static_cast<uint32_t>(r3);
    if (size != 0 and size < sizeof(bpf_redir_neigh)) return TC_ACT_SHOT;
    return redirect_by(packet_target::way::neighbour, r1, r4);
}

uint64_t helper::redirect_peer(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return redirect_by(packet_target::way::peer, r1, r2);
}

}  // namespace bpftime::vm::runtime
