// bpftime-vm test: backends of static libraries are there by name
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT

#include <ebpf-vm.h>

namespace {

bool answers(const char *backend, int64_t expected) {
    const uint8_t exit_program[8] = {0x95};
    uint8_t memory[16] = {};
    int64_t result = 0;
    struct ebpf_vm *vm = ebpf_create(backend);
    const bool good = vm != nullptr and
                      ebpf_load(vm, exit_program, sizeof(exit_program), nullptr) == 0 and
                      ebpf_exec(vm, memory, sizeof(memory), &result) == 0 and result == expected;
    if (not good) {
        fprintf(stderr, "backend %s: result %lld, last error '%s'\n", backend,
                static_cast<long long>(result), ebpf_last_error());
    }
    ebpf_destroy(vm);
    return good;
}

}  // namespace

int main() { return answers("myvm", 42) and answers("second", 16) and answers("ubpf", 0) ? 0 : 1; }
