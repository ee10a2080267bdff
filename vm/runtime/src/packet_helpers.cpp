// bpftime-vm: the helpers that need a packet
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_words.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <expected>
#include <span>

namespace bpftime::vm::runtime {

namespace {

// --- Internet checksums (RFC 1071): sums of 16-bit numbers in one's complement

uint64_t folded(uint64_t sum) noexcept {
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}
/// What a word counts for in a sum, and what takes it away.
uint64_t plus(uint32_t word) noexcept { return (word & 0xffff) + (word >> 16); }
uint64_t minus(uint32_t word) noexcept { return plus(~word); }

/// The sum of 32-bit words in ones' complement. It has two zeros, which programs can tell apart:
/// only a sum of nothing but zeros is 0.
uint32_t sum_of(std::span<const uint8_t> data, uint32_t sum) noexcept {
    for (std::size_t i = 0; i < data.size(); i += sizeof(uint32_t)) {
        uint32_t word = 0;
        std::memcpy(&word, data.data() + i, sizeof word);
        sum += word;
        sum += static_cast<uint32_t>(sum < word);
    }
    return sum;
}

/// The part of a checksum helper's flags that tells how long the changed field is; 0: `to` is a
/// difference.
constexpr uint64_t field_size_mask = 0xf;

/// Changes the checksum for a field that was `from` and is `to`. 0 or a negative errno.
int replace(std::span<uint8_t> checksum, uint64_t from, uint64_t to, uint64_t size) noexcept {
    uint16_t old = 0;
    std::memcpy(&old, checksum.data(), sizeof old);
    uint64_t sum = static_cast<uint16_t>(~old);
    switch (size) {
    case 0:
        if (from != 0) return -EINVAL;
        sum += plus(static_cast<uint32_t>(to));
        break;
    case 2: sum += static_cast<uint16_t>(~from) + uint64_t{static_cast<uint16_t>(to)}; break;
    case 4: sum += minus(static_cast<uint32_t>(from)) + plus(static_cast<uint32_t>(to)); break;
    default: return -EINVAL;
    }
    const auto fresh = static_cast<uint16_t>(~folded(sum));
    std::memcpy(checksum.data(), &fresh, sizeof fresh);
    return 0;
}

/// Where the checksum at `offset` is that a helper may change; empty if there is none.
std::span<uint8_t> checksum_at(uint64_t context, uint64_t offset) noexcept {
    constexpr uint64_t farthest = 0xffff;
    const packet_context *const p = skb_of(context);
    const bool is_possible = p != nullptr and allows_write(p->allowed()) and offset <= farthest and
                             offset % sizeof(uint16_t) == 0;
    return is_possible ? part_of(*p, offset, sizeof(uint16_t)) : std::span<uint8_t>{};
}

bool is_zero(std::span<const uint8_t> checksum) noexcept {
    return checksum[0] == 0 and checksum[1] == 0;
}

}  // namespace

uint64_t helper::skb_store_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    constexpr uint64_t invalidate_hash = 2;
    constexpr uint64_t known_flags = 1 | invalidate_hash;  // 1: BPF_F_RECOMPUTE_CSUM
    packet_context *const p = skb_of(r1);
    const auto offset = static_cast<uint32_t>(r2);
    if ((r5 & ~known_flags) != 0 or p == nullptr) return word_of(-EINVAL);
    if (not allows_write(p->allowed())) return word_of(-EPERM);
    const auto to = part_of(*p, offset, r4);
    if (to.empty()) return word_of(-EFAULT);
    std::memmove(to.data(), pointer<const uint8_t>(r3), to.size());
    if ((r5 & invalidate_hash) != 0) p->set_hash({});
    return 0;
}

uint64_t helper::skb_load_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const packet_context *const p = skb_of(r1);
    const auto to = std::span{reinterpret_cast<uint8_t *>(r3), static_cast<std::size_t>(r4)};
    const auto from =
        p == nullptr ? std::span<uint8_t>{} : part_of(*p, static_cast<uint32_t>(r2), r4);
    if (from.empty()) {
        if (not to.empty()) std::memset(to.data(), 0, to.size());
        return word_of(-EFAULT);
    }
    std::memmove(to.data(), from.data(), to.size());
    return 0;
}

uint64_t helper::skb_load_bytes_relative(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                         uint64_t r5) {
    constexpr uint64_t from_link_header = 0;
    constexpr uint64_t from_network_header = 1;
    constexpr uint64_t farthest = 0xffff;
    const packet_context *const p = skb_of(r1);
    const auto to = bytes_at(r3, r4);
    const auto offset = static_cast<uint32_t>(r2);
    const auto start = static_cast<uint32_t>(r5);
    const bool is_known = start == from_link_header or start == from_network_header;
    if (p != nullptr and is_known and offset <= farthest) {
        const uint8_t *const header =
            start == from_link_header ? p->headers().link : p->headers().network;
        const auto from = p->from(header);
        if (offset <= from.size() and to.size() <= from.size() - offset) {
            std::ranges::copy(from.subspan(offset, to.size()), to.begin());
            return 0;
        }
    }
    std::ranges::fill(to, uint8_t{0});
    return word_of(-EFAULT);
}

uint64_t helper::l3_csum_replace(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    if ((r5 & ~field_size_mask) != 0) return word_of(-EINVAL);
    const auto checksum = checksum_at(r1, static_cast<uint32_t>(r2));
    return word_of(checksum.empty() ? -EFAULT : replace(checksum, r3, r4, r5));
}

uint64_t helper::l4_csum_replace(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    // BPF_F_PSEUDO_HDR makes no difference: no hardware completes these checksums.
    constexpr uint64_t pseudo_header = 0x10;
    constexpr uint64_t zero_is_none = 0x20;
    constexpr uint64_t even_if_none = 0x40;
    if ((r5 & ~(pseudo_header | zero_is_none | even_if_none | field_size_mask)) != 0)
        return word_of(-EINVAL);
    const auto checksum = checksum_at(r1, static_cast<uint32_t>(r2));
    if (checksum.empty()) return word_of(-EFAULT);
    if ((r5 & zero_is_none) != 0 and (r5 & even_if_none) == 0 and is_zero(checksum)) return 0;
    const int failed = replace(checksum, r3, r4, r5 & field_size_mask);
    if (failed == 0 and (r5 & zero_is_none) != 0 and is_zero(checksum))
        std::memset(checksum.data(), 0xff, checksum.size());
    return word_of(failed);
}

uint64_t helper::csum_diff(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    if (r2 % sizeof(uint32_t) != 0 or r4 % sizeof(uint32_t) != 0) return word_of(-EINVAL);
    const auto seed = static_cast<uint32_t>(r5);
    const auto from = bytes_at(r1, r2);
    const auto to = bytes_at(r3, r4);
    if (from.empty() and to.empty()) return seed;
    if (from.empty()) return folded(sum_of(to, seed));
    if (to.empty()) return folded(~sum_of(from, ~seed));
    return folded(uint64_t{sum_of(to, seed)} + static_cast<uint32_t>(~sum_of(from, 0)));
}

uint64_t helper::xdp_adjust_head(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    packet_context *const p = xdp_of(r1);
    return word_of(p == nullptr ? -EINVAL : p->move_begin(static_cast<int32_t>(r2)));
}

uint64_t helper::xdp_adjust_meta(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    packet_context *const p = xdp_of(r1);
    return word_of(p == nullptr ? -EINVAL : p->move_metadata(static_cast<int32_t>(r2)));
}

uint64_t helper::xdp_adjust_tail(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    packet_context *const p = xdp_of(r1);
    return word_of(p == nullptr ? -EINVAL : p->move_end(static_cast<int32_t>(r2)));
}

uint64_t helper::xdp_get_buff_len(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const packet_context *const p = xdp_of(r1);
    return p == nullptr ? word_of(-EINVAL) : p->packet().size();
}

namespace {

/// What a helper of XDP may read or write, or the errno with which it refuses.
std::expected<std::span<uint8_t>, int> xdp_part(uint64_t context, uint64_t r2,
                                                uint64_t r4) noexcept {
    constexpr uint32_t most = 0xffff;
    const packet_context *const p = xdp_of(context);
    const auto offset = static_cast<uint32_t>(r2);
    const auto size = static_cast<uint32_t>(r4);
    if (offset > most or size > most) return std::unexpected{-EFAULT};
    if (p == nullptr or uint64_t{offset} + size > p->packet().size())
        return std::unexpected{-EINVAL};
    return p->packet().subspan(offset, size);
}

}  // namespace

uint64_t helper::xdp_load_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto from = xdp_part(r1, r2, r4);
    if (not from) return word_of(from.error());
    std::memmove(pointer(r3), from->data(), from->size());
    return 0;
}

uint64_t helper::xdp_store_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto to = xdp_part(r1, r2, r4);
    if (not to) return word_of(to.error());
    std::memmove(to->data(), pointer(r3), to->size());
    return 0;
}

}  // namespace bpftime::vm::runtime
