// bpftime-vm test: a backend that answers every program with 42
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT

#include <bpftime_vm_compat.hpp>

using bpftime::vm::compat::register_vm_factory;

class my_vm : public bpftime::vm::compat::bpftime_vm_impl {
public:
    int load_code(const void *, size_t) override { return 0; }
    int64_t exec(void *, size_t, int64_t &result) override {
        result = 42;
        return 0;
    }
};

__attribute__((constructor)) static void register_my_vm() {
    register_vm_factory("myvm", []() { return std::make_unique<my_vm>(); });
}
