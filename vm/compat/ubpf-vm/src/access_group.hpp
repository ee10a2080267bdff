// bpftime-vm: accesses that one check is enough for
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/proofs.hpp"
#include "program/program.hpp"
#include "program/region.hpp"

#include <cstdint>
#include <vector>

namespace bpftime::vm::ubpf {

/// Bytes at a distance from a register, and what is done there, or may be done.
struct byte_range {
    int32_t begin;
    int32_t end;
    permission allowed;

    [[nodiscard]] constexpr uint32_t size() const noexcept {
        return static_cast<uint32_t>(end - begin);
    }
    [[nodiscard]] constexpr bool holds(const byte_range &other) const noexcept {
        return allows(allowed, other.allowed) and begin <= other.begin and other.end <= end;
    }
};

/// An access, and those behind it in its block by the same register, which only constants are added
/// to meanwhile, with no call in between. Once control is at the first, it gets to all of them,
/// unless an access of the block is a fault: if one of the group is going to be refused, the run is
/// going to end with a fault.
struct access_group {
    uint32_t count = 0;  ///< of accesses that are not proven
    uint32_t end = 0;    ///< all accesses by this register before this slot are in it
    // From the register on, as it is before the first:
    byte_range all{};   ///< from the first byte of any to the last, for what any of them does
    byte_range last{};  ///< the last access
};

/// The group that begins with the access at `pc`, in a block that ends before `end`. `proofs`: what
/// is proven of its accesses; null: nothing.
[[nodiscard]] access_group find_group(const program &p, uint32_t pc, uint32_t end,
                                      const compat::proofs *proofs);
/// Its accesses, in order.
[[nodiscard]] std::vector<byte_range> members_of_group(const program &p, uint32_t pc, uint32_t end);

}  // namespace bpftime::vm::ubpf
