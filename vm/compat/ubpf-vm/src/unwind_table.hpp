// bpftime-vm: how exceptions of helpers pass through native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Native functions have nothing to undo, so an exception passes through all of them at once: from
// the call of the helper to whoever called enter, wherever the native stack is. That holds for all
// code of a chunk, and one entry in the unwind table says so: the host's frame is at a distance
// from exit_stack, and its registers were stored there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bpftime::vm::ubpf {

/// How a machine's code is entered. Registers are numbered as DWARF does.
struct unwind_rules {
    uint8_t state;           ///< points to jit_state
    uint8_t return_address;  ///< where to return to
    uint8_t entry_bytes;     ///< from exit_stack up to the host's stack
    std::span<const uint8_t>
        kept;  ///< what the host's registers were stored as, downwards from there
};

/// Writes the table for code in [begin, begin + size), as .eh_frame has it; gives its size.
std::size_t write_unwind_table(std::span<std::byte> out, const std::byte *begin, std::size_t size,
                               const unwind_rules &rules);

}  // namespace bpftime::vm::ubpf
