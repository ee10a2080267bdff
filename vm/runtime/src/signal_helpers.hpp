// bpftime-vm: the helpers that send signals
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

namespace bpftime::vm::runtime {

/// The same helper with a signal_sink as its context; null for those that send nothing. By
/// helpers.def they are refused.
[[nodiscard]] ebpf_ctx_helper_fn sending_function(external_function_t function) noexcept;

}  // namespace bpftime::vm::runtime
