// bpftime-vm: how many memory checks the code of backend "llvm" makes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/configured_vm.hpp"

#include <cstdint>
#include <memory>

namespace bpftime::vm::benchmark {

/// Places that code compares with memory.
struct check_counts {
    uint64_t own = 0;     ///< for one access
    uint64_t shared = 0;  ///< for several accesses, or for those of all rounds of a loop
};

/// Backend "llvm", whose code counts its comparisons. `counts` outlives it. In builds with LLVM.
[[nodiscard]] std::unique_ptr<compat::configured_vm> make_check_counter(check_counts &counts);

}  // namespace bpftime::vm::benchmark
