// bpftime-vm test: a plugin is found by its backend's name
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT

#include <ebpf-vm.h>

#include <cstring>

int main() {
    const uint8_t exit_program[8] = {0x95};
    int64_t result = 0;
    struct ebpf_vm *vm = ebpf_create("toy");
    if (vm == nullptr or std::strcmp(ebpf_get_vm_name(vm), "toy") != 0 or
        ebpf_load(vm, exit_program, sizeof(exit_program), nullptr) != 0 or
        ebpf_exec(vm, nullptr, 0, &result) != 0 or result != sizeof(exit_program)) {
        fprintf(stderr, "backend toy: result %lld, last error '%s'\n",
                static_cast<long long>(result), ebpf_last_error());
        return 1;
    }
    ebpf_destroy(vm);

    // Names are names, not paths.
    return ebpf_create("../toy") == nullptr and ebpf_create("/toy") == nullptr ? 0 : 1;
}
