// bpftime-vm: where the instructions of a program of an object come from
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "object/object.hpp"

#include <vector>

namespace bpftime::vm::runtime {

/// What an object says of a program in it. Outlives both: threads keep it for their last fault.
class object_source final : public compat::program_source {
public:
    /// Takes the lines out of `linked`, as they may be large.
    explicit object_source(object::bytecode &linked);

    [[nodiscard]] compat::instruction_source find(uint32_t pc) const override;

private:
    std::vector<object::linked_function> functions_;
    std::vector<object::poisoned_instruction> poisoned_;
    object::source_map lines_;
};

}  // namespace bpftime::vm::runtime
