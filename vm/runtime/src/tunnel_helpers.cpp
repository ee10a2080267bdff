// bpftime-vm: the helpers about the tunnel that a packet came out of, or goes into
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_words.hpp"
#include "runtime/tunnel.hpp"

#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace bpftime::vm::runtime {

namespace {

// Flags with the kernel's values (linux/bpf.h).
enum get_flag : uint64_t { get_ipv6 = 1 << 0, get_flags = 1 << 4 };
enum set_flag : uint64_t {
    set_ipv6 = 1 << 0,
    set_no_checksum = 1 << 1,
    set_dont_fragment = 1 << 2,
    set_sequence = 1 << 3,
    set_no_key = 1 << 4,
};

constexpr uint32_t label_mask = 0xfffff;

/// Programs made for older kernels know the first fields only.
bool is_known_size(std::size_t size) noexcept {
    constexpr auto sizes = std::to_array<std::size_t>({
        sizeof(bpf_tunnel_key),
        offsetof(bpf_tunnel_key, local_ipv6),
        offsetof(bpf_tunnel_key, tunnel_label),
        offsetof(bpf_tunnel_key, tunnel_ext),
        offsetof(bpf_tunnel_key, remote_ipv6) + sizeof(uint32_t),
    });
    return std::ranges::find(sizes, size) != sizes.end();
}

void put_address(uint32_t (&to)[4], const ip_address &from) noexcept {
    std::memset(to, 0, sizeof to);
    std::ranges::copy(from.bytes(), reinterpret_cast<uint8_t *>(&to));
    if (not from.is_ipv6()) to[0] = network_order(to[0]);
}

ip_address take_address(const uint32_t (&from)[4], bool is_ipv6) noexcept {
    uint32_t words[4];
    std::memcpy(words, from, sizeof words);
    if (not is_ipv6) words[0] = network_order(words[0]);
    return ip_address{{reinterpret_cast<const uint8_t *>(words), is_ipv6 ? 16U : 4U}};
}

bpf_tunnel_key key_of(const packet_tunnel &t, uint64_t flags) noexcept {
    bpf_tunnel_key key{};
    key.tunnel_id = static_cast<uint32_t>(t.id);
    put_address(key.remote_ipv6, t.source);
    put_address(key.local_ipv6, t.destination);
    key.tunnel_tos = t.service;
    key.tunnel_ttl = t.hops;
    key.tunnel_ext = (flags & get_flags) != 0 ? network_order(t.flags) : uint16_t{0};
    key.tunnel_label = (flags & get_ipv6) != 0 ? t.flow_label : 0;
    return key;
}

int get_key(const packet_tunnel *t, std::span<uint8_t> to, uint64_t flags) noexcept {
    constexpr std::size_t smallest = offsetof(bpf_tunnel_key, remote_ipv6) + sizeof(uint32_t);
    if (t == nullptr or (flags & ~uint64_t{get_ipv6 | get_flags}) != 0) return -EINVAL;
    if (t->source.is_ipv6() != ((flags & get_ipv6) != 0)) return -EPROTO;
    if (not is_known_size(to.size()) or (to.size() == smallest and t->source.is_ipv6()))
        return -EINVAL;
    const bpf_tunnel_key key = key_of(*t, flags);
    std::memcpy(to.data(), &key, to.size());
    return 0;
}

uint16_t flags_of(uint64_t flags) noexcept {
    unsigned all = tunnel_key | tunnel_checksum | tunnel_no_cache;
    if ((flags & set_dont_fragment) != 0) all |= tunnel_dont_fragment;
    if ((flags & set_no_checksum) != 0) all &= ~unsigned{tunnel_checksum};
    if ((flags & set_sequence) != 0) all |= tunnel_sequence;
    if ((flags & set_no_key) != 0) all &= ~unsigned{tunnel_key};
    return static_cast<uint16_t>(all);
}

int set_key(packet_context &p, std::span<const uint8_t> from, uint64_t flags) {
    constexpr uint64_t known =
        set_ipv6 | set_no_checksum | set_dont_fragment | set_sequence | set_no_key;
    const bool is_ipv6 = (flags & set_ipv6) != 0;
    if ((flags & ~known) != 0 or not is_known_size(from.size())) return -EINVAL;
    bpf_tunnel_key key{};
    std::memcpy(&key, from.data(), from.size());
    if ((not is_ipv6 and key.tunnel_label != 0) or key.tunnel_ext != 0) return -EINVAL;
    p.tunnel() = packet_tunnel{.id = key.tunnel_id,
                               .source = take_address(key.local_ipv6, is_ipv6),
                               .destination = take_address(key.remote_ipv6, is_ipv6),
                               .service = key.tunnel_tos,
                               .hops = key.tunnel_ttl,
                               .flow_label = key.tunnel_label & label_mask,
                               .flags = flags_of(flags),
                               .is_outgoing = true};
    return 0;
}

/// How many bytes of options there are, or a negative errno.
int get_options(const packet_tunnel *t, std::span<uint8_t> to) noexcept {
    if (t == nullptr or not t->options) return -ENOENT;
    if (to.size() < t->options->size()) return -ENOMEM;
    std::ranges::fill(std::ranges::copy(*t->options, to.begin()).out, to.end(), uint8_t{0});
    return static_cast<int>(t->options->size());
}

const packet_tunnel *tunnel_of(uint64_t context) noexcept {
    packet_context *const p = skb_of(context);
    return p != nullptr and p->tunnel() ? &*p->tunnel() : nullptr;
}

}  // namespace

uint64_t helper::skb_get_tunnel_key(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto to = bytes_at(r2, r3);
    const int failed = get_key(tunnel_of(r1), to, r4);
    if (failed != 0) std::ranges::fill(to, uint8_t{0});
    return word_of(failed);
}

uint64_t helper::skb_set_tunnel_key(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    packet_context *const p = skb_of(r1);
    return word_of(p == nullptr ? -EINVAL : set_key(*p, bytes_at(r2, r3), r4));
}

uint64_t helper::skb_get_tunnel_opt(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    const auto to = bytes_at(r2, r3);
    const int bytes = get_options(tunnel_of(r1), to);
    if (bytes < 0) std::ranges::fill(to, uint8_t{0});
    return word_of(bytes);
}

uint64_t helper::skb_set_tunnel_opt(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    constexpr std::size_t most_bytes = 255;
    packet_context *const p = skb_of(r1);
    const auto from = bytes_at(r2, r3);
    const bool is_set = p != nullptr and p->tunnel() and p->tunnel()->is_outgoing;
    if (not is_set or from.size() % sizeof(uint32_t) != 0) return word_of(-EINVAL);
    if (from.size() > most_bytes) return word_of(-ENOMEM);
    p->tunnel()->options.emplace(from.begin(), from.end());
    p->tunnel()->flags |= tunnel_has_options;
    return 0;
}

}  // namespace bpftime::vm::runtime
