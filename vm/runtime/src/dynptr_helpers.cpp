// bpftime-vm: the helpers and kernel functions about dynptrs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "dynptr.hpp"
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_words.hpp"
#include "runtime/ring_buffer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bpftime::vm::runtime {

namespace {

uint64_t fail_with_null(uint64_t place, int negative_errno) noexcept {
    dynptr{}.put(place);
    return word_of(negative_errno);
}

/// 0 or a negative errno.
uint64_t write(const dynptr &to, uint32_t offset, std::span<const uint8_t> from, uint64_t flags) {
    const auto place = to.bytes(offset, from.size(), permission::write);
    if (not place) return word_of(place.error());
    if (to.what() == dynptr::kind::skb) {
        return helper::skb_store_bytes(to.data(), uint64_t{to.offset()} + offset,
                                       word_of(from.data()), from.size(), flags);
    }
    if (flags != 0) return word_of(-EINVAL);
    if (not from.empty()) std::memmove(place->data(), from.data(), from.size());
    return 0;
}

uint64_t finish_record(uint64_t place, uint64_t flags,
                       uint64_t (*finish)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t)) {
    const dynptr d = dynptr::at(place);
    if (d.what() == dynptr::kind::record) finish(d.data(), flags, 0, 0, 0);
    dynptr{}.put(place);
    return 0;
}

/// A dynptr to the packet, whose size fits: packets are small.
uint64_t point_to(const packet_context *p, dynptr::kind what, uint64_t context, uint64_t flags,
                  uint64_t place) {
    if (p == nullptr or flags != 0) return fail_with_null(place, -EINVAL);
    if (p->packet().size() > dynptr::most_bytes) return fail_with_null(place, -E2BIG);
    dynptr{what, context, p->packet().size(), not allows_write(p->allowed())}.put(place);
    return 0;
}

/// Where bytes of a dynptr are, in place. Packets are in one piece here, so nobody needs a buffer;
/// programs that may not touch a packet may read it by helpers, and so by slices.
uint64_t slice(const dynptr &d, uint64_t offset, uint64_t size, permission wanted) {
    const auto part = d.bytes(static_cast<uint32_t>(offset), static_cast<uint32_t>(size), wanted);
    if (not part) return 0;
    if (part->empty()) return d.is_packet() ? d.data() : d.data() + d.offset();
    const uint64_t at = word_of(part->data());
    if (not may_touch(at, part->size(), wanted))
        compat::run::current()->memory().grant({at, part->size(), wanted});
    return at;
}

}  // namespace

// --- helpers

uint64_t helper::dynptr_from_mem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    if (r2 > dynptr::most_bytes) return fail_with_null(r4, -E2BIG);
    if (r3 != 0) return fail_with_null(r4, -EINVAL);
    dynptr{dynptr::kind::local, r1, r2}.put(r4);
    return 0;
}

uint64_t helper::dynptr_read(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    const auto to = bytes_at(r1, r2);
    if (r5 != 0) return word_of(-EINVAL);
    const auto from = dynptr::at(r3).bytes(static_cast<uint32_t>(r4), to.size(), permission::read);
    if (from and not to.empty()) std::memmove(to.data(), from->data(), to.size());
    if (from) return 0;
    if (from.error() == -EFAULT) std::ranges::fill(to, uint8_t{0});
    return word_of(from.error());
}

uint64_t helper::dynptr_write(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return write(dynptr::at(r1), static_cast<uint32_t>(r2), bytes_at(r3, r4), r5);
}

uint64_t helper::dynptr_data(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    const dynptr d = dynptr::at(r1);
    if (d.is_packet() or d.is_read_only()) return 0;
    return slice(d, r2, r3, permission::read);
}

uint64_t helper::ringbuf_reserve_dynptr(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                        uint64_t) {
    const auto size = static_cast<uint32_t>(r2);
    if (r3 != 0) return fail_with_null(r4, -EINVAL);
    if (size > dynptr::most_bytes) return fail_with_null(r4, -E2BIG);
    const uint64_t record = helper::ringbuf_reserve(r1, size, 0, 0, 0);
    if (record == 0) return fail_with_null(r4, -EINVAL);
    dynptr{dynptr::kind::record, record, size}.put(r4);
    return 0;
}

uint64_t helper::ringbuf_submit_dynptr(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return finish_record(r1, r2, helper::ringbuf_submit);
}

uint64_t helper::ringbuf_discard_dynptr(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return finish_record(r1, r2, helper::ringbuf_discard);
}

// --- kernel functions

uint64_t kernel_function::dynptr_from_skb(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t,
                                          uint64_t) {
    return point_to(skb_of(r1), dynptr::kind::skb, r1, r2, r3);
}

uint64_t kernel_function::dynptr_from_xdp(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t,
                                          uint64_t) {
    return point_to(xdp_of(r1), dynptr::kind::xdp, r1, r2, r3);
}

uint64_t kernel_function::dynptr_slice(uint64_t r1, uint64_t r2, uint64_t, uint64_t r4, uint64_t) {
    return slice(dynptr::at(r1), r2, r4, permission::read);
}

uint64_t kernel_function::dynptr_slice_rdwr(uint64_t r1, uint64_t r2, uint64_t, uint64_t r4,
                                            uint64_t) {
    return slice(dynptr::at(r1), r2, r4, permission::read_write);
}

uint64_t kernel_function::dynptr_adjust(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    dynptr d = dynptr::at(r1);
    const auto from = static_cast<uint32_t>(r2);
    const auto to = static_cast<uint32_t>(r3);
    if (d.is_null() or from > to) return word_of(-EINVAL);
    if (to > d.size()) return word_of(-ERANGE);
    d.narrow(from, to);
    d.put(r1);
    return 0;
}

uint64_t kernel_function::dynptr_is_null(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    return dynptr::at(r1).is_null() ? 1 : 0;
}

uint64_t kernel_function::dynptr_is_rdonly(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const dynptr d = dynptr::at(r1);
    return not d.is_null() and d.is_read_only() ? 1 : 0;
}

uint64_t kernel_function::dynptr_size(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const dynptr d = dynptr::at(r1);
    // A __u32 in the kernel, even if it is an error.
    return d.is_null() ? static_cast<uint32_t>(-EINVAL) : d.size();
}

uint64_t kernel_function::dynptr_clone(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    const dynptr d = dynptr::at(r1);
    if (d.is_null()) return fail_with_null(r2, -EINVAL);
    d.put(r2);
    return 0;
}

uint64_t kernel_function::dynptr_copy(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                      uint64_t r5) {
    const auto from = dynptr::at(r3).bytes(static_cast<uint32_t>(r4), static_cast<uint32_t>(r5),
                                           permission::read);
    if (not from) return word_of(from.error());
    return write(dynptr::at(r1), static_cast<uint32_t>(r2), *from, 0);
}

uint64_t kernel_function::dynptr_memset(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                        uint64_t) {
    const auto to = dynptr::at(r1).bytes(static_cast<uint32_t>(r2), static_cast<uint32_t>(r3),
                                         permission::write);
    if (not to) return word_of(to.error());
    std::ranges::fill(*to, static_cast<uint8_t>(r4));
    return 0;
}

}  // namespace bpftime::vm::runtime
