// bpftime-vm: the helpers that bpftime-cli gives to programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ebpf-types.h>

#include <cstdint>
#include <vector>

namespace bpftime::vm::cli {

/// Whether programs find helper `id`: one of the runtime's, or of own_helpers().
[[nodiscard]] bool is_provided(uint32_t id) noexcept;

/// What the runtime does not have: bpf_trace_printk, to stderr.
[[nodiscard]] std::vector<ebpf_helper> own_helpers();

}  // namespace bpftime::vm::cli
