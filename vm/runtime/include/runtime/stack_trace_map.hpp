// bpftime-vm: maps of call stacks, by number
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"

#include <cstdint>
#include <span>

namespace bpftime::vm::runtime {

/// Flags of stack_trace_map::put(), with the kernel's values.
enum stack_flag : uint64_t {
    stack_compare_hash = 1 << 9,  ///< stacks with the same hash count as the same one
    stack_replace = 1 << 10,      ///< a new stack takes the number of another one
};

/// Programs put stacks in and get their numbers; hosts look them up.
class stack_trace_map : public map {
public:
    /// The number of a stack, or a negative errno.
    virtual int64_t put(std::span<const uint64_t> stack, uint64_t flags) noexcept = 0;

protected:
    using map::map;
};

/// The map as one of stacks; null if it is none.
[[nodiscard]] inline stack_trace_map *as_stack_trace_map(map *m) noexcept {
    return m != nullptr and m->definition().type == map_type::stack_trace
               ? static_cast<stack_trace_map *>(m)
               : nullptr;
}

}  // namespace bpftime::vm::runtime
