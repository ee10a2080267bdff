// bpftime-vm: every engine that the parametrised suites run on
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"

#include "compat/speculation.hpp"
#include "facts_engine.hpp"

#ifdef TEST_UBPF_JIT
#include "ubpf/ubpf_vm.hpp"
#endif

#include <gtest/gtest.h>

#include <array>

namespace bpftime::vm::test {

namespace {
/// The one that asserts facts comes last.
constexpr auto all = std::to_array<engine>({
    {"ubpf_interpreter", "ubpf"},
#ifdef TEST_UBPF_JIT
    {"ubpf_jit", "ubpf-jit"},
#endif
#ifdef TEST_LLVM_BACKEND
    {"llvm", "llvm"},
#endif
#ifdef TEST_FACTS
    {"facts", facts_backend},
#endif
});
#ifdef TEST_FACTS
constexpr std::size_t without_facts = all.size() - 1;
#else
constexpr std::size_t without_facts = all.size();
#endif

constexpr auto blinding = std::to_array<engine>({
#ifdef TEST_UBPF_JIT
    {"ubpf_jit", "ubpf-jit", true},
#endif
#ifdef TEST_LLVM_VARIANTS
    {"llvm", "llvm", true},
#endif
#if not defined TEST_UBPF_JIT and not defined TEST_LLVM_VARIANTS
    {"ubpf_interpreter", "ubpf", true},  // has no native code, and gives the same answers
#endif
});

constexpr auto proving = std::to_array<engine>({
    {"ubpf_interpreter", "ubpf", false, true},
#ifdef TEST_UBPF_JIT
    {"ubpf_jit", "ubpf-jit", false, true},
#endif
#ifdef TEST_LLVM_VARIANTS
    {"llvm", "llvm", false, true},
#endif
#ifdef TEST_FACTS
    {"facts", facts_backend},
#endif
});

constexpr auto barring = std::to_array<engine>({
    {"ubpf_interpreter", "ubpf", false, false, true},
#ifdef TEST_UBPF_JIT
    {"ubpf_jit", "ubpf-jit", false, false, true},
#endif
#ifdef TEST_LLVM_VARIANTS
    {"llvm", "llvm", false, false, true},
#endif
});

#ifdef TEST_UBPF_JIT
/// The light backend, whose programs are native code from the start.
class ubpf_jit final : public ubpf::ubpf_vm {
    result<std::unique_ptr<const compat::executable>> build(
        const compat::build_input &input) override {
        return build_native(input);
    }
};

__attribute__((constructor)) void register_ubpf_jit() {
    compat::register_vm_factory("ubpf-jit", [] { return std::make_unique<ubpf_jit>(); });
}
#endif

__attribute__((constructor)) void register_facts() { register_facts_engine(); }

}  // namespace

std::span<const engine> engines() { return std::span{all}.first(without_facts); }

std::span<const engine> engines_and_facts() { return all; }

std::span<const engine> blinding_engines() { return blinding; }

std::span<const engine> proving_engines() { return proving; }

std::span<const engine> barring_engines() {
    return std::span{barring}.first(compat::has_speculation_barrier ? barring.size() : 0);
}

std::unique_ptr<ebpf_vm> make_vm(const engine &e) {
    auto vm = std::make_unique<ebpf_vm>(e.backend);
    EXPECT_EQ(vm->set_limit(compat::vm_limit::constant_blinding, e.blinds_constants), EBPF_OK);
    EXPECT_EQ(vm->set_limit(compat::vm_limit::check_elimination, e.eliminates_checks), EBPF_OK);
    EXPECT_EQ(vm->set_limit(compat::vm_limit::speculation_barriers, e.bars_speculation), EBPF_OK);
    return vm;
}

}  // namespace bpftime::vm::test
