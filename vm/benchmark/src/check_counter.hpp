// bpftime-vm: how many memory checks the code of backend "llvm" makes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/configured_vm.hpp"

#include <cstdint>
#include <memory>

namespace bpftime::vm::benchmark {

/// Backend "llvm", whose code adds to `count` for each place that it compares with memory: one for
/// a check of its own, one for a check that several accesses or all rounds of a loop share. `count`
/// outlives its code. In builds with LLVM.
[[nodiscard]] std::unique_ptr<compat::configured_vm> make_check_counter(uint64_t &count);

}  // namespace bpftime::vm::benchmark
