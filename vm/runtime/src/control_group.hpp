// bpftime-vm: the control groups that a thread is in
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

namespace bpftime::vm::runtime {

/// The kernel's ids of the control groups (version 2) that the calling thread is in, the root
/// first; empty if that hierarchy cannot be seen from here.
[[nodiscard]] std::vector<uint64_t> current_control_groups();

}  // namespace bpftime::vm::runtime
