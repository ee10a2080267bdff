// bpftime-vm: an engine that asserts all that the analysis knows, before every instruction
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

namespace bpftime::vm::test {

/// The interpreter, which asks before each instruction whether what full and quick analysis say of
/// registers, slots and accesses is true. Ends the process with a message if it is not.
inline constexpr const char *facts_backend = "ubpf-facts";

void register_facts_engine();

}  // namespace bpftime::vm::test
