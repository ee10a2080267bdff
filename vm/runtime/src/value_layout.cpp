// bpftime-vm: values of maps with parts that copies leave out
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "value_layout.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace bpftime::vm::runtime {

namespace {

using half_word = std::atomic<uint32_t>;

/// The half of a word that a part may begin with; what follows is aligned to 8.
std::size_t begin_of(std::size_t offset, std::size_t size) noexcept {
    return offset % sizeof(uint64_t) == 0 ? 0 : std::min(size, sizeof(uint32_t));
}

void store_part(uint8_t *value, const uint8_t *from, std::size_t offset,
                std::size_t size) noexcept {
    const std::size_t begin = begin_of(offset, size);
    if (begin == sizeof(uint32_t)) {
        uint32_t half = 0;
        std::memcpy(&half, from + offset, sizeof half);
        reinterpret_cast<half_word *>(value + offset)->store(half, std::memory_order_relaxed);
    }
    store_shared(value + offset + begin, from + offset + begin, size - begin);
}

void load_part(uint8_t *to, const uint8_t *value, std::size_t offset, std::size_t size) noexcept {
    const std::size_t begin = begin_of(offset, size);
    if (begin == sizeof(uint32_t)) {
        const uint32_t half =
            reinterpret_cast<const half_word *>(value + offset)->load(std::memory_order_relaxed);
        std::memcpy(to + offset, &half, sizeof half);
    }
    load_shared(to + offset + begin, value + offset + begin, size - begin);
}

}  // namespace

value_layout::value_layout(const map_definition &d) : size_{d.value_size} {
    std::size_t end = 0;
    const auto add_plain = [&](std::size_t until) {
        if (until > end) plain_.push_back({end, until - end});
    };
    for (const value_field &f : d.fields) {
        add_plain(f.offset);
        end = std::max<std::size_t>(end, f.offset + f.size);
        fields_.push_back({f.offset, f.size});
        if (f.what == value_field::kind::spin_lock and not lock_) lock_ = f.offset;
    }
    add_plain(size_);
}

void value_layout::store(void *value, const void *from) const noexcept {
    for (const part &p : plain_)
        store_part(static_cast<uint8_t *>(value), static_cast<const uint8_t *>(from), p.offset,
                   p.size);
}

void value_layout::load(void *to, const void *value) const noexcept {
    for (const part &p : plain_)
        load_part(static_cast<uint8_t *>(to), static_cast<const uint8_t *>(value), p.offset,
                  p.size);
    for (const part &p : fields_) std::memset(static_cast<uint8_t *>(to) + p.offset, 0, p.size);
}

void value_layout::clear_fields(void *value) const noexcept {
    for (const part &p : fields_) {
        for (std::size_t at = p.offset; at < p.offset + p.size; at += sizeof(uint32_t)) {
            reinterpret_cast<half_word *>(static_cast<uint8_t *>(value) + at)
                ->store(0, std::memory_order_relaxed);
        }
    }
}

}  // namespace bpftime::vm::runtime
