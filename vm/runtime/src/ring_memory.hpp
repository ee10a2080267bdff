// bpftime-vm: what ring buffers in both directions share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "mapped_memory.hpp"
#include "runtime/map.hpp"
#include "runtime/ring_buffer.hpp"
#include "shared_bytes.hpp"

#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace bpftime::vm::runtime {

/// Before each record.
struct record_header {
    std::atomic<uint32_t> length;  ///< and the two bits
    uint32_t page;                 ///< pages from the beginning of the memory to this header
};
static_assert(sizeof(record_header) == ring_buffer::header_bytes);

/// A ring in the kernel's layout: the page of the consumer's position, that of the producer's, the
/// data, which is mapped twice so that what wraps around lies in one piece.
class ring_memory {
public:
    using position = std::atomic<uint64_t>;

    /// `bytes`: of the data, a power of two and whole pages.
    explicit ring_memory(uint32_t bytes) noexcept
        : ring_memory{mapped_memory::wrapping(2 * page_bytes(), bytes), nullptr, bytes} {}
    /// In memory of others, which is mapped so.
    ring_memory(uint8_t *first_page, uint32_t bytes) noexcept
        : ring_memory{mapped_memory{}, first_page, bytes} {}

    [[nodiscard]] explicit operator bool() const noexcept { return first_page_ != nullptr; }
    [[nodiscard]] uint64_t bytes() const noexcept { return uint64_t{mask_} + 1; }
    [[nodiscard]] position &consumer_position() const noexcept {
        return *reinterpret_cast<position *>(first_page_);
    }
    [[nodiscard]] position &producer_position() const noexcept {
        return *reinterpret_cast<position *>(producer_);
    }
    [[nodiscard]] record_header *header_at(uint64_t at) const noexcept {
        // Other processes may write positions that are no multiples of a header's alignment.
        return reinterpret_cast<record_header *>(data_ + (at & header_mask_));
    }
    [[nodiscard]] uint32_t page_of(const record_header *header) const noexcept {
        const auto offset =
            static_cast<std::size_t>(reinterpret_cast<const uint8_t *>(header) - first_page_);
        return static_cast<uint32_t>(offset >> page_shift_);
    }
    /// Both pages and the data, once.
    [[nodiscard]] std::span<uint8_t> whole() const noexcept {
        return {first_page_, 2 * page_bytes() + bytes()};
    }

    [[nodiscard]] static constexpr uint32_t length_of(uint32_t word) noexcept {
        return word & ~(ring_buffer::busy_bit | ring_buffer::discard_bit);
    }
    /// What a record of this length takes with its header.
    [[nodiscard]] static constexpr uint64_t bytes_of(uint32_t length) noexcept {
        return round_up(std::size_t{length} + ring_buffer::header_bytes, 8);
    }

    [[nodiscard]] static std::size_t page_bytes() noexcept {
        return static_cast<std::size_t>(getpagesize());
    }

private:
    ring_memory(mapped_memory own, uint8_t *first_page, uint32_t bytes) noexcept
        : mask_{bytes - 1},
          header_mask_{mask_ & ~uint32_t{7}},
          own_{std::move(own)},
          first_page_{own_ ? own_.data() : first_page},
          producer_{first_page_ + page_bytes()},
          data_{producer_ + page_bytes()},
          page_shift_{std::countr_zero(page_bytes())} {}

    uint32_t mask_;
    uint32_t header_mask_;
    mapped_memory own_;
    uint8_t *first_page_;
    uint8_t *producer_;  ///< the page of the producers' position
    uint8_t *data_;
    int page_shift_;
};

/// A map that the commands about entries do not know.
template <typename Base>
class without_entries : public Base {
public:
    using Base::Base;

private:
    int host_lookup(const void * /*key*/, void * /*value*/) noexcept override {
        return -not_supported;
    }
    int host_update(const void * /*key*/, const void * /*value*/,
                    uint64_t /*flags*/) noexcept override {
        return -not_supported;
    }
    int host_delete(const void * /*key*/) noexcept override { return -not_supported; }
    int host_next_key(const void * /*key*/, void * /*next*/) const noexcept override {
        return -not_supported;
    }
};

}  // namespace bpftime::vm::runtime
