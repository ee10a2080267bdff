// bpftime-vm: dynptrs: memory with a size that is known when the program runs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "dynptr.hpp"

#include "helper_packets.hpp"
#include "helper_words.hpp"

#include <cerrno>

namespace bpftime::vm::runtime {

packet_context *dynptr::packet() const noexcept {
    return what() == kind::skb ? skb_of(data_) : xdp_of(data_);
}

bool dynptr::is_null() const noexcept {
    if (data_ == 0 or what() == kind::none or what() > kind::xdp) return true;
    if (is_packet()) return packet() == nullptr;
    return size() != 0 and not may_touch(data_ + offset_, size(), permission::read);
}

std::expected<std::span<uint8_t>, int> dynptr::bytes(uint32_t offset, uint64_t size,
                                                     permission wanted) const noexcept {
    if (is_null() or (allows_write(wanted) and is_read_only())) return std::unexpected{-EINVAL};
    const uint32_t whole = this->size();
    if (size > whole or offset > whole - size) return std::unexpected{-E2BIG};
    if (size == 0) return {};
    if (const packet_context *const p = is_packet() ? packet() : nullptr) {
        if (allows_write(wanted) and not allows_write(p->allowed())) return std::unexpected{-EPERM};
        const auto part = part_of(*p, uint64_t{offset_} + offset, size);
        if (part.empty()) return std::unexpected{-EFAULT};
        return part;
    }
    const uint64_t at = data_ + offset_ + offset;
    if (not may_touch(at, size, wanted)) return std::unexpected{-EINVAL};
    return bytes_at(at, size);
}

}  // namespace bpftime::vm::runtime
