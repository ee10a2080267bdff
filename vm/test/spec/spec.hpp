// bpftime-vm: what the tests of the specification's snippets share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

#include <algorithm>
#include <string_view>

/// Leaves a test that needs a backend which this build does not have.
#define NEEDS_LLVM() \
    if (not spec::has_backend("llvm")) GTEST_SKIP() << "pending: needs the LLVM backend"

namespace spec {

inline bool has_backend(std::string_view name) {
    const auto all = bpftime::vm::compat::list_vm_backends();
    return std::ranges::find(all, name) != all.end();
}

}  // namespace spec
