// bpftime-vm: one program of an object and what it calls, put together
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "elf_reader.hpp"
#include "object/object.hpp"

namespace bpftime::vm::object {

/// See object_file::link(). `program` is an element of `functions`, which are those of `elf` in the
/// order of sections and offsets.
[[nodiscard]] result<bytecode> link_program(const elf_object &elf,
                                            std::span<const function_info> functions,
                                            const function_info &program);

}  // namespace bpftime::vm::object
