// bpftime-vm: arenas: memory that programs and their host share page by page
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <cstddef>
#include <cstdint>

namespace bpftime::vm::runtime {

/// A map_type::arena of `max_entries` pages, at the address that `map_extra` says if that is free
/// (its low 32 bits are kept anyway). Pointers that programs store there are addresses of this
/// process, so the host can follow them.
///
/// Pages come and go while programs run, in one at a time or in whole ranges. One that is not there
/// takes no memory; a program reads zeros there, and what it writes is lost.
class arena : public map {
public:
    /// Where page 0 begins. The host may read and write all bytes() at any time: what it reads of
    /// pages that are not there, and what it writes to them, is worth nothing.
    [[nodiscard]] virtual uint8_t *address() const noexcept = 0;
    [[nodiscard]] virtual std::size_t bytes() const noexcept = 0;
    [[nodiscard]] virtual std::size_t page_size() const noexcept = 0;

    /// The byte at `offset`, in pages that are made to be there as far as `size` bytes reach: what
    /// a process does that touches the memory of a kernel's arena. Null: not all of them can be.
    [[nodiscard]] virtual uint8_t *touch(std::size_t offset, std::size_t size) noexcept = 0;
    /// Whether the page that the byte at `offset` is in is there.
    [[nodiscard]] virtual bool has_page(std::size_t offset) const noexcept = 0;

    // --- for programs, who name places by the low 32 bits of addresses

    /// Makes `count` pages be there, zeroed: those at `place`, or any if that is 0. Their address;
    /// 0 if they are in use, or do not exist.
    [[nodiscard]] virtual uint64_t allocate(uint64_t place, uint64_t count) noexcept = 0;
    /// Gives them back, as far as they exist.
    virtual void free(uint64_t place, uint64_t count) noexcept = 0;
    /// Keeps pages from being made. 0, -EBUSY (some are in use) or -EINVAL.
    virtual int reserve(uint64_t place, uint64_t count) noexcept = 0;

protected:
    using map::map;
};

/// The map as an arena; null if it is none.
[[nodiscard]] inline arena *as_arena(map *m) noexcept {
    return m != nullptr and m->definition().type == map_type::arena ? static_cast<arena *>(m)
                                                                    : nullptr;
}

}  // namespace bpftime::vm::runtime
