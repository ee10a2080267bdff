// bpftime-vm: which instructions access the context, by data flow
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "context_value.hpp"
#include "isa/error.hpp"
#include "program/program.hpp"

#include <cstdint>
#include <vector>

namespace bpftime::vm::runtime {

/// A load, store or atomic operation whose base register is, or may be, made of the context.
struct context_site {
    uint32_t pc = 0;
    context_value base;
};

/// All of them, by pc. The context is r1 of function 0, and what comes of it by copies, constant
/// offsets, the stack, local calls and callbacks. What memory other than the stack holds is no
/// context. Errors: unclear_context (it goes where it cannot be followed), unsupported (recursion).
[[nodiscard]] result<std::vector<context_site>> find_context_sites(const program &p);

}  // namespace bpftime::vm::runtime
