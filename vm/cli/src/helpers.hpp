// bpftime-vm: the helpers that bpftime-cli gives to programs, and the names of well-known ones
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"

#include <cstdint>
#include <string_view>

struct ebpf_vm;

namespace bpftime::vm::cli {

/// The name of helper `id` in Linux' numbering; empty if it is not in the list.
[[nodiscard]] std::string_view helper_name(uint32_t id) noexcept;

/// Whether register_helpers() provides helper `id`.
[[nodiscard]] bool is_provided(uint32_t id) noexcept;

/// Registers the harmless helpers: time, random numbers, the processor's number, and
/// bpf_trace_printk to stderr.
[[nodiscard]] outcome<void> register_helpers(ebpf_vm *vm);

}  // namespace bpftime::vm::cli
