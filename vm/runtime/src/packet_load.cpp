// bpftime-vm: legacy packet loads of programs that run on packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet_load.hpp"

#include "helper_packets.hpp"
#include "helper_words.hpp"

#include <cerrno>

namespace bpftime::vm::runtime {

namespace {

// Negative offsets (linux/filter.h) are counted from a header, which may lie before what the
// program sees.
constexpr int32_t from_network = -0x100000;
constexpr int32_t from_link = -0x200000;

/// `size` bytes at the offset, to the packet's end at most; empty if they are not all there.
std::span<const uint8_t> bytes_at(const packet_context &p, int32_t offset, uint64_t size) {
    if (offset >= 0) return part_of(p, static_cast<uint64_t>(offset), size);
    if (offset < from_link) return {};
    const bool is_network = offset >= from_network;
    const auto all = p.from(is_network ? p.headers().network : p.headers().link);
    const auto at = static_cast<uint64_t>(offset - (is_network ? from_network : from_link));
    const bool is_inside = at <= all.size() and size <= all.size() - at;
    return is_inside ? all.subspan(at, size) : std::span<const uint8_t>{};
}

uint64_t load(uint64_t offset, uint64_t size, uint64_t, uint64_t, uint64_t) {
    const packet_context *const p = packet_context::running();
    if (p == nullptr) return word_of(-EFAULT);
    const auto bytes = bytes_at(*p, static_cast<int32_t>(offset), size);
    if (bytes.empty()) return word_of(-EFAULT);
    uint64_t number = 0;
    for (const uint8_t byte : bytes) number = number << 8 | byte;
    return number;
}

}  // namespace

bool has_packet_loads(object::program_type type) noexcept {
    switch (type) {
    case object::program_type::socket_filter:
    case object::program_type::sched_cls:
    case object::program_type::sched_act: return true;
    default: return false;
    }
}

ebpf_helper packet_load_helper() noexcept {
    ebpf_helper helper{};
    helper.id = EBPF_PACKET_LOAD_HELPER;
    helper.name = "load_packet";
    helper.fn = load;
    helper.arguments[0].kind = helper.arguments[1].kind = EBPF_ARG_SCALAR;
    return helper;
}

}  // namespace bpftime::vm::runtime
