// bpftime-vm: room on the host's stack for native code whose frames are large
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-types.h"

#include <cstddef>
#include <type_traits>

namespace bpftime::vm::compat {

/// Code that needs no more than this runs where it was called: hosts leave it as much, and what
/// its helpers need.
inline constexpr std::size_t stack_bytes_in_place = 64 << 10;

/// Calls `body(argument)` where it has so many bytes of stack: here if there is room, else on a
/// stack made for it. Exceptions of `body` come out here. Throws std::bad_alloc if there is no
/// memory for the stack. Thread-safe.
EBPF_EXPORT void call_with_stack(std::size_t bytes, void (*body)(void *), void *argument);

template <typename Body>
void with_stack(std::size_t bytes, Body &&body) {
    if (bytes <= stack_bytes_in_place) return body();
    call_with_stack(
        bytes, [](void *what) { (*static_cast<std::remove_reference_t<Body> *>(what))(); }, &body);
}

}  // namespace bpftime::vm::compat
