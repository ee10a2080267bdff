// bpftime-vm: a VM of the engine under test, configured and run step by step
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/fault.hpp"
#include "engines.hpp"
#include "programs.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <span>
#include <string_view>
#include <vector>

namespace bpftime::vm::test {

using compat::fault_kind;
using compat::vm_limit;

/// What all engines agree on in a fault.
struct fault_place {
    fault_kind kind = fault_kind::none;
    uint32_t pc = 0;
    region_kind region = region_kind::none;
    uint32_t index = 0;
    int64_t offset = 0;
    uint64_t size = 0;

    friend bool operator==(const fault_place &, const fault_place &) = default;
    friend std::ostream &operator<<(std::ostream &out, const fault_place &p);
};

[[nodiscard]] fault_place place_of(const compat::fault &f);

/// The bytes of `words`, to be the memory of a run.
[[nodiscard]] inline std::span<uint8_t> memory_of(std::span<uint64_t> words) {
    return {reinterpret_cast<uint8_t *>(words.data()), words.size_bytes()};
}

/// Tests that need more than run(): one VM with the test helpers.
class vm_fixture : public testing::TestWithParam<engine> {
protected:
    vm_fixture() : vm_{make_vm(GetParam())} { register_test_helpers(*vm_); }

    [[nodiscard]] ebpf_vm &vm() { return *vm_; }

    /// Loads a program that must load.
    void load(std::string_view assembly) { load_bytes(assemble(assembly)); }
    void load_bytes(std::span<const uint8_t> code);
    void set_limit(vm_limit limit, uint64_t value);

    /// r0 of a run that must end well.
    uint64_t result(std::span<uint8_t> memory = {});
    /// The fault of a run that must end with one.
    fault_place fault(std::span<uint8_t> memory = {});
    /// The error of a program that loads but must not run, and part of the message that it gives.
    void expect_refusal(int64_t code, std::string_view message);

private:
    std::unique_ptr<ebpf_vm> vm_;
};

}  // namespace bpftime::vm::test
