// bpftime-vm: a number for the flow that a packet belongs to
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

namespace bpftime::vm::runtime {

/// The same for all packets with the same addresses, protocol and ports, which `packet` begins
/// with; never 0. The kernel's has a random key, so no program can expect a value.
[[nodiscard]] uint32_t flow_hash(uint16_t protocol, std::span<const uint8_t> packet) noexcept;

}  // namespace bpftime::vm::runtime
