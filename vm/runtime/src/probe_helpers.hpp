// bpftime-vm: the helpers that look at memory of which nothing is known
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

#include <cstdint>
#include <span>

namespace bpftime::vm::runtime {

/// Copies memory that the running program may touch; false if it is not all there.
bool read_own_memory(std::span<uint8_t> to, uint64_t from) noexcept;

/// The same helper, for all memory of the process; null for those that reach no other memory.
[[nodiscard]] ebpf_ctx_helper_fn function_for_process(external_function_t function) noexcept;

}  // namespace bpftime::vm::runtime
