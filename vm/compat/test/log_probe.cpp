// bpftime-vm: makes the library log a debug message, a warning, and errors that are no log
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-vm.h"
#include "minimal_vm.hpp"

using namespace bpftime::vm::compat;

int main() {
    const uint8_t exit_program[8] = {0x95};
    const uint8_t no_program[8] = {0xff};
    int64_t result = 0;
    ebpf_vm *const vm = ebpf_create("ubpf");
    const bool good =
        ebpf_load(vm, exit_program, sizeof exit_program, nullptr) == 0 and
        ebpf_exec(vm, nullptr, 0, &result) == 0 and
        ebpf_load(vm, no_program, sizeof no_program, nullptr) < 0 and
        (ebpf_unload_code(vm), ebpf_compile(vm, nullptr) == nullptr) and
        register_vm_factory("ubpf", [] { return std::make_unique<test::minimal_vm>(); }) < 0;
    ebpf_destroy(vm);
    return good ? 0 : 1;
}
