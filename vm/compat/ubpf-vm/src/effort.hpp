// bpftime-vm: how much of its time the light backend spends on proofs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "analysis/facts.hpp"
#include "program/program.hpp"

#include <cstdint>

namespace bpftime::vm::ubpf {

/// Full analysis takes several times as long as making code does.
[[nodiscard]] inline analysis::effort effort_for(const program &p) noexcept {
    constexpr uint32_t most_slots = 4096;
    return p.size() <= most_slots ? analysis::effort::full : analysis::effort::quick;
}

}  // namespace bpftime::vm::ubpf
