// bpftime-vm test: a plugin with a backend that answers every program with its size in bytes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT

#include <bpftime_vm_compat.hpp>

namespace {

class toy_vm : public bpftime::vm::compat::bpftime_vm_impl {
public:
    int load_code(const void *, size_t code_len) override {
        code_len_ = code_len;
        return 0;
    }
    int64_t exec(void *, size_t, int64_t &result) override {
        result = static_cast<int64_t>(code_len_);
        return 0;
    }

private:
    size_t code_len_ = 0;
};

}  // namespace

EBPF_VM_PLUGIN("toy", toy_vm);
