// bpftime-vm: user ring buffers: samples from the host to programs, in order
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <cstdint>
#include <span>

namespace bpftime::vm::runtime {

/// A ring buffer in the kernel's layout, as ring_buffer, but the host writes and programs read:
/// bpf_user_ringbuf_drain(). Whoever has its memory() may write there what it likes: programs get
/// samples that lie in the data, or none.
class user_ring_buffer : public map {
public:
    // --- for the host, from any number of threads

    /// `size` bytes to be written and then submitted or discarded; empty if there is no room, or
    /// never will be. Samples of more than 16 MiB less 1 byte make programs fail with -E2BIG.
    [[nodiscard]] virtual std::span<uint8_t> reserve(uint32_t size) noexcept = 0;
    virtual void submit(void *sample) noexcept = 0;
    virtual void discard(void *sample) noexcept = 0;
    /// Copies a sample; 0, -ENOSPC (no room now) or -E2BIG (never).
    virtual int output(std::span<const uint8_t> sample) noexcept = 0;
    /// A file descriptor that becomes readable when programs have taken samples, for those who wait
    /// for room: they read it, and try again. Owned by the map.
    [[nodiscard]] virtual int event_fd() const noexcept = 0;
    /// Both pages and the data, once.
    [[nodiscard]] virtual std::span<uint8_t> memory() noexcept = 0;

    // --- for programs: one at a time

    /// Whether the caller may take samples now, until end().
    [[nodiscard]] virtual bool begin() noexcept = 0;
    /// The next sample. 0, -ENODATA (there is none), -EAGAIN (one that was discarded, and has been
    /// skipped), -EINVAL or -E2BIG (what the producer wrote makes no sense).
    [[nodiscard]] virtual int peek(std::span<uint8_t> &sample) noexcept = 0;
    /// Its producer may use its room again.
    virtual void release(std::span<const uint8_t> sample) noexcept = 0;
    virtual void end(bool wakes) noexcept = 0;

protected:
    using map::map;
};

/// The map as a user ring buffer; null if it is none.
[[nodiscard]] inline user_ring_buffer *as_user_ring_buffer(map *m) noexcept {
    return m != nullptr and m->definition().type == map_type::user_ringbuf
               ? static_cast<user_ring_buffer *>(m)
               : nullptr;
}

}  // namespace bpftime::vm::runtime
