// bpftime-vm: running a program and reading what it wrote, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bpftime::vm::compat::test {

struct finished_process {
    int exit_code = -1;  ///< 128 + n if signal n ended it
    std::string out;
    std::string err;
};

/// Changes of the environment: names with their values; none: the name is taken out.
using environment_changes = std::vector<std::pair<std::string, std::optional<std::string>>>;

/// Runs `arguments`, a program and its arguments, in this process's environment with the changes.
[[nodiscard]] finished_process run_process(const std::vector<std::string> &arguments,
                                           const environment_changes &environment = {});

}  // namespace bpftime::vm::compat::test
