// bpftime-vm: the message of each thread's last failed call
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-types.h"

#include <string>

namespace bpftime::vm::compat {

/// The calling thread's last message; "" before the first failure. Valid until the next call on
/// this thread.
[[nodiscard]] EBPF_EXPORT const std::string &last_error() noexcept;
/// Exported for the C API of the runtime.
EBPF_EXPORT void set_last_error(std::string message) noexcept;

}  // namespace bpftime::vm::compat
