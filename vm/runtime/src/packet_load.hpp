// bpftime-vm: legacy packet loads of programs that run on packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-types.h"
#include "object/program_type.hpp"

namespace bpftime::vm::runtime {

/// Whether programs of the type may have them.
[[nodiscard]] bool has_packet_loads(object::program_type type) noexcept;

/// What they call (EBPF_PACKET_LOAD_HELPER).
[[nodiscard]] ebpf_helper packet_load_helper() noexcept;

}  // namespace bpftime::vm::runtime
