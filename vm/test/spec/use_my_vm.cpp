// bpftime-vm: the specification's own backend is there by its name
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include <ebpf-vm.h>

int main() {
    const uint8_t code[8] = {0x95};
    int64_t result = 0;
    ebpf_vm *const vm = ebpf_create("myvm");
    const bool good = vm != nullptr and ebpf_load(vm, code, sizeof code, nullptr) == 0 and
                      ebpf_exec(vm, nullptr, 0, &result) == 0 and result == 42;
    if (not good) {
        fprintf(stderr, "result %lld, last error '%s'\n", static_cast<long long>(result),
                ebpf_last_error());
    }
    ebpf_destroy(vm);
    return good ? 0 : 1;
}
