// bpftime-vm: networks of the running kernel, for comparison
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <vector>

namespace bpftime::vm::runtime::test {

/// Calls `what` on a thread of its own in a new network namespace, once these commands of a shell
/// have run there. False if that cannot be made here.
[[nodiscard]] bool in_network_namespace(const std::vector<const char *> &commands,
                                        const std::function<void()> &what);

}  // namespace bpftime::vm::runtime::test
