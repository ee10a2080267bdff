// bpftime-vm: the specification's registration of a backend, named "llvm"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include <bpftime_vm_compat.hpp>
#include <ebpf-vm.h>

using namespace bpftime::vm::compat;

namespace {

/// Stands for the backend of this name.
class llvm_bpf_jit : public bpftime_vm_impl {
public:
    int load_code(const void *, size_t) override { return 0; }
    int64_t exec(void *, size_t, int64_t &result) override {
        result = 4711;
        return 0;
    }
};

#include "snippets/factory_registration.cpp"

}  // namespace

int main() {
    const uint8_t code[8] = {0x95};
    int64_t result = 0;
    ebpf_vm *const vm = ebpf_create("llvm");
    const bool good = vm != nullptr and ebpf_load(vm, code, sizeof code, nullptr) == 0 and
                      ebpf_exec(vm, nullptr, 0, &result) == 0 and result == 4711;
    if (not good) {
        fprintf(stderr, "result %lld, last error '%s'\n", static_cast<long long>(result),
                ebpf_last_error());
    }
    ebpf_destroy(vm);
    return good ? 0 : 1;
}
