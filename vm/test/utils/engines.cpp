// bpftime-vm: every engine that the parametrised suites run on
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"

#include <array>

namespace bpftime::vm::test {

namespace {
constexpr auto all = std::to_array<engine>({
    {"ubpf_interpreter", "ubpf"},
#ifdef TEST_LLVM_BACKEND
    {"llvm", "llvm"},
#endif
});
}  // namespace

std::span<const engine> engines() { return all; }

std::unique_ptr<ebpf_vm> make_vm(const engine &e) { return std::make_unique<ebpf_vm>(e.backend); }

}  // namespace bpftime::vm::test
