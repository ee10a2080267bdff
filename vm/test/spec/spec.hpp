// bpftime-vm: what the tests of the specification's snippets share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

#include <algorithm>
#include <string>
#include <string_view>

/// Leaves a test that needs a backend which this build does not have.
#define NEEDS_LLVM() \
    if (not spec::has_backend("llvm")) GTEST_SKIP() << "pending: needs the LLVM backend"

/// Leaves a test whose backend says that it does not support what is asked for yet.
#define NEEDS_SUPPORT(vm) \
    if (spec::lacks_support(vm)) GTEST_SKIP() << "pending: " << (vm).error_message()

namespace spec {

inline bool has_backend(std::string_view name) {
    const auto all = bpftime::vm::compat::list_vm_backends();
    return std::ranges::find(all, name) != all.end();
}

inline bool lacks_support(const ebpf_vm &vm) {
    return vm.error_message().find("is not supported by backend") != std::string::npos;
}

}  // namespace spec
