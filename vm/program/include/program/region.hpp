// bpftime-vm: kinds of memory that a program may touch
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace bpftime::vm {

/// What may be done with memory; a bit mask.
enum class permission : uint8_t { none = 0, read = 1, write = 2, read_write = 3 };

[[nodiscard]] constexpr bool allows(permission granted, permission wanted) noexcept {
    return (static_cast<uint8_t>(granted) & static_cast<uint8_t>(wanted)) ==
           static_cast<uint8_t>(wanted);
}

[[nodiscard]] constexpr bool allows_write(permission p) noexcept {
    return allows(p, permission::write);
}

/// Where memory that a program may touch comes from.
enum class region_kind : uint8_t {
    none,        ///< nowhere: the address belongs to no region
    input,       ///< the input memory of the run
    stack,       ///< a live stack frame; the region's index is the frame's depth, 0 for the entry
                 ///< function
    registered,  ///< registered with the VM; index: order of registration
    run,         ///< given with this run; index: position in its list
    granted,     ///< granted by a helper or an lddw size companion during this run
};

}  // namespace bpftime::vm
