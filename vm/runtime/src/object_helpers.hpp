// bpftime-vm: what programs call to make objects, and to put them into lists and trees
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "isa/error.hpp"
#include "object_heap.hpp"

namespace bpftime::vm::runtime {

/// The function that one of these is with an object_heap as its context; null: it is none.
[[nodiscard]] ebpf_ctx_helper_fn function_with_objects(external_function_t function) noexcept;

/// Whether the kernel function with this id makes an object of a type.
[[nodiscard]] bool is_making_objects(uint32_t id) noexcept;

/// Registers them for programs that have a heap, which outlives their runs. Without one there are
/// no objects.
result<void> register_objects(ebpf_vm &vm, object_heap &heap);

}  // namespace bpftime::vm::runtime
