// bpftime-vm: one program of an object and what it calls, put together
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "image.hpp"

namespace bpftime::vm::object {

/// See object_file::link(). `program` is an element of `object.functions`.
[[nodiscard]] result<bytecode> link_program(const image &object, const function_info &program,
                                            const link_options &options);

}  // namespace bpftime::vm::object
