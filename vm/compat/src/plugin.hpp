// bpftime-vm: backends in shared libraries
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

#include <expected>
#include <string>
#include <vector>

namespace bpftime::vm::compat {

/// Loads libbpftime-vm-NAME.so; the factory that it brings, or why that did not work. `name` has
/// been checked.
[[nodiscard]] std::expected<vm_factory, std::string> load_plugin(const std::string &name);

/// Names of the plugins that load_plugin() would find, without loading them.
[[nodiscard]] std::vector<std::string> find_plugins();

}  // namespace bpftime::vm::compat
