// bpftime-vm: dynptrs: memory with a size that is known when the program runs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/region.hpp"

#include <cstdint>
#include <cstring>
#include <expected>
#include <span>

namespace bpftime::vm::runtime {

class packet_context;

/// A struct bpf_dynptr, in the kernel's layout.
///
/// Its bytes lie in memory of the program, which may write there what it likes. So they give no
/// right to anything: each use asks what the program may touch at this time, and a dynptr to memory
/// that it may not touch is a null one.
class dynptr {
public:
    enum class kind : uint8_t {
        none,
        local,   ///< memory of the program
        record,  ///< of a ring buffer, reserved by this run
        skb,     ///< the packet of a struct __sk_buff; `data` is the context
        xdp,     ///< that of a struct xdp_md
    };
    static constexpr uint64_t most_bytes = (1U << 24) - 1;

    /// A null one.
    dynptr() = default;
    /// `size` is most_bytes at most.
    dynptr(kind what, uint64_t data, uint64_t size, bool read_only = false) noexcept
        : data_{data},
          size_and_kind_{static_cast<uint32_t>(size) |
                         uint32_t{static_cast<uint8_t>(what)} << kind_shift |
                         (read_only ? read_only_bit : 0)} {}

    [[nodiscard]] static dynptr at(uint64_t word) noexcept {
        dynptr d;
        std::memcpy(&d, reinterpret_cast<const void *>(word), sizeof d);
        return d;
    }
    void put(uint64_t word) const noexcept {
        std::memcpy(reinterpret_cast<void *>(word), this, sizeof *this);
    }

    [[nodiscard]] bool is_null() const noexcept;
    [[nodiscard]] bool is_read_only() const noexcept {
        return (size_and_kind_ & read_only_bit) != 0;
    }
    [[nodiscard]] bool is_packet() const noexcept {
        return what() == kind::skb or what() == kind::xdp;
    }
    [[nodiscard]] kind what() const noexcept {
        return static_cast<kind>(size_and_kind_ >> kind_shift & kind_mask);
    }
    [[nodiscard]] uint64_t data() const noexcept { return data_; }
    [[nodiscard]] uint32_t size() const noexcept { return size_and_kind_ & most_bytes; }
    [[nodiscard]] uint32_t offset() const noexcept { return offset_; }

    /// Leaves what is between two offsets, which are in the size and in order.
    void narrow(uint32_t from, uint32_t to) noexcept {
        offset_ += from;
        size_and_kind_ = (size_and_kind_ & ~static_cast<uint32_t>(most_bytes)) | (to - from);
    }

    /// `size` bytes at `offset`, if the program may do `wanted` with them; else -E2BIG (beyond the
    /// end), -EINVAL (a null dynptr), -EFAULT (the packet has become shorter).
    [[nodiscard]] std::expected<std::span<uint8_t>, int> bytes(uint32_t offset, uint64_t size,
                                                               permission wanted) const noexcept;

private:
    static constexpr unsigned kind_shift = 28;
    static constexpr uint32_t kind_mask = 7;
    static constexpr uint32_t read_only_bit = uint32_t{1} << 31;

    /// Null if it is not that of the running program.
    [[nodiscard]] packet_context *packet() const noexcept;

    uint64_t data_ = 0;
    uint32_t size_and_kind_ = 0;
    uint32_t offset_ = 0;
};
static_assert(sizeof(dynptr) == 16);

}  // namespace bpftime::vm::runtime
