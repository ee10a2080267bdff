// bpftime-vm: the helpers that write text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-types.h"

#include <cstdint>

namespace bpftime::vm::runtime {

/// Rows of helpers.def under "text". What those for the host print is lost.
uint64_t trace_printk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
uint64_t trace_vprintk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t);
uint64_t snprintf(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);

/// The same function with a trace_sink as its context; null for those that print nothing.
[[nodiscard]] ebpf_ctx_helper_fn traced_function(external_function_t function) noexcept;

}  // namespace bpftime::vm::runtime
