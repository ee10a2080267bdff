// bpftime-vm: what the passes and the compiler did to one program, counted
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bpftime::vm::llvm_jit {

/// In the order of counters.cpp, which says what each counts.
enum class counter : uint8_t {
    helper_inlining,
    map_operations,
    check_elimination,
    check_merging,
    loop_budgets,
    stack_promotion,
    dead_context_fields,
    constant_maps,
    ir_before,
    ir_after,
    code_bytes,
};
inline constexpr std::size_t counter_count = 11;

/// Of one program. They depend on program, configuration and machine alone.
class counters {
public:
    void add(counter which, uint64_t count = 1) noexcept {
        counts_[static_cast<std::size_t>(which)] += count;
    }
    [[nodiscard]] uint64_t of(counter which) const noexcept {
        return counts_[static_cast<std::size_t>(which)];
    }
    /// All of them, with their names.
    [[nodiscard]] std::vector<compat::compile_stat> rows() const;

private:
    std::array<uint64_t, counter_count> counts_{};
};

}  // namespace bpftime::vm::llvm_jit
