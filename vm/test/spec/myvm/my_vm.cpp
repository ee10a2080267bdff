// bpftime-vm: the specification's own backend, with the methods that it leaves to the reader
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include <bpftime_vm_compat.hpp>

using bpftime::vm::compat::register_vm_factory;

#include "my_vm.inc"
#include "snippets/register_my_vm.cpp"
