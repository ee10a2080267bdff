// bpftime-vm: ring buffers: records from programs to their host, in order
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace bpftime::vm::runtime {

/// Flags of submit(), discard() and output(), with the kernel's values.
enum ring_flag : uint64_t {
    ring_no_wakeup = 1,
    ring_force_wakeup = 2,
};

/// What query() tells, with the kernel's values.
enum class ring_query : uint64_t {
    available_data = 0,
    size = 1,
    consumer_position = 2,
    producer_position = 3
};

/// A ring buffer in the kernel's layout: the page of the consumer's position, the page of the
/// producer's position, the data. Many producers, one consumer at a time.
class ring_buffer : public map {
public:
    static constexpr uint32_t busy_bit = uint32_t{1} << 31;
    static constexpr uint32_t discard_bit = uint32_t{1} << 30;
    static constexpr uint32_t header_bytes = 8;
    static constexpr uint32_t most_record_bytes = ~uint32_t{0} / 4;

    // --- for programs

    /// `size` bytes to be written and then submitted or discarded; null if there is no room.
    [[nodiscard]] virtual void *reserve(uint64_t size, uint64_t flags) noexcept = 0;
    virtual void submit(void *record, uint64_t flags) noexcept = 0;
    virtual void discard(void *record, uint64_t flags) noexcept = 0;
    /// Copies a record; 0, -EINVAL or -EAGAIN (no room).
    virtual int output(const void *data, uint64_t size, uint64_t flags) noexcept = 0;
    /// One of ring_query; 0 for anything else.
    [[nodiscard]] virtual uint64_t query(uint64_t what) const noexcept = 0;

    // --- for the host

    /// Gets one record; false: no more of them for now.
    using callback = std::function<bool(std::span<const uint8_t> record)>;

    /// Hands over the records that are there; how many.
    virtual std::size_t consume(const callback &take) = 0;
    /// The same, but waits for the first one; 0 after `timeout` (negative: never) or when wake() is
    /// called.
    virtual std::size_t poll(const callback &take, std::chrono::milliseconds timeout) = 0;
    /// Ends a poll() that waits, on any thread.
    virtual void wake() noexcept = 0;
    /// A file descriptor that becomes readable when there is something to consume, until consume()
    /// is called; owned by the map. -1: the map is pinned, and other processes may produce.
    [[nodiscard]] virtual int event_fd() noexcept = 0;
    /// Both pages and the data, once.
    [[nodiscard]] virtual std::span<uint8_t> memory() noexcept = 0;

protected:
    using map::map;
};

/// The map as a ring buffer; null if it is none.
[[nodiscard]] inline ring_buffer *as_ring_buffer(map *m) noexcept {
    return m != nullptr and m->definition().type == map_type::ringbuf
               ? static_cast<ring_buffer *>(m)
               : nullptr;
}

}  // namespace bpftime::vm::runtime
