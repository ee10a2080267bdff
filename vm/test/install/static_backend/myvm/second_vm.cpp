// bpftime-vm test: a backend that answers every program with the length of its memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT

#include <bpftime_vm_compat.hpp>

namespace {

class second_vm : public bpftime::vm::compat::bpftime_vm_impl {
public:
    int load_code(const void *, size_t) override { return 0; }
    int64_t exec(void *, size_t mem_len, int64_t &result) override {
        result = static_cast<int64_t>(mem_len);
        return 0;
    }
};

__attribute__((constructor)) void register_second_vm() {
    bpftime::vm::compat::register_vm_factory("second",
                                             []() { return std::make_unique<second_vm>(); });
}

}  // namespace
