// bpftime-vm: the helpers that write text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

namespace bpftime::vm::runtime {

/// The same helper with a trace_sink as its context, to which it prints; null for those that print
/// nothing. By helpers.def, what they print is lost.
[[nodiscard]] ebpf_ctx_helper_fn traced_function(external_function_t function) noexcept;

/// The same helper with the types (object::btf) of the values that it prints as its context; null
/// for those that print none. By helpers.def, there are no types.
[[nodiscard]] ebpf_ctx_helper_fn typed_function(external_function_t function) noexcept;

}  // namespace bpftime::vm::runtime
