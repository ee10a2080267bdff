// bpftime-vm: a backend that overrides nothing but what it must
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

#include <cstdint>
#include <memory>

namespace bpftime::vm::compat::test {

/// Accepts every program; a run gives the number that the VM was made with.
class minimal_vm : public bpftime_vm_impl {
public:
    explicit minimal_vm(int64_t answer = 0) : answer_{answer} {}

    int load_code(const void *, size_t) override { return EBPF_OK; }
    int64_t exec(void *, size_t, int64_t &result) override {
        result = answer_;
        return EBPF_OK;
    }

private:
    int64_t answer_;
};

}  // namespace bpftime::vm::compat::test
