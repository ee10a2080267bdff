// bpftime-vm: running a program and reading what it wrote, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bpftime::vm::compat::test {

struct finished_process {
    int exit_code = -1;  ///< 128 + n if signal n ended it
    std::string out;
    std::string err;
};

/// Runs `arguments` with the given changes to this process's environment; an empty name list
/// changes nothing.
[[nodiscard]] finished_process run_process(
    const std::vector<std::string> &arguments,
    const std::vector<std::pair<std::string, std::string>> &environment = {});

}  // namespace bpftime::vm::compat::test
