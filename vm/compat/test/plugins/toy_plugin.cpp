// bpftime-vm: a good plugin and, by definitions, plugins that are wrong in one way each
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include <bpftime_vm_compat.hpp>

#include <cstdlib>
#include <stdexcept>

using namespace bpftime::vm::compat;

namespace {

/// Answers every program with 1234.
class toy_vm : public bpftime_vm_impl {
public:
    int load_code(const void *, size_t) override { return 0; }
    int64_t exec(void *, size_t, int64_t &result) override {
        result = 1234;
        return 0;
    }
};

__attribute__((constructor)) void tell_that_it_was_loaded() {
    setenv("TEST_PLUGIN_LOADED", PLUGIN_NAME, 1);
}

#ifdef REGISTERS_ITSELF
__attribute__((constructor)) void register_toy() {
    register_vm_factory(PLUGIN_NAME, [] { return std::make_unique<toy_vm>(); });
}
#endif

#if defined(CREATES_NOTHING)
bpftime_vm_impl *create() { return nullptr; }
#elif defined(CREATES_BY_THROWING)
bpftime_vm_impl *create() { throw std::runtime_error("this machine is not good enough"); }
#else
[[maybe_unused]] bpftime_vm_impl *create() { return new toy_vm; }
#endif

}  // namespace

#ifdef NEEDS_WHAT_IS_NOWHERE
extern "C" void bpftime_vm_test_function_that_is_nowhere();
extern "C" EBPF_EXPORT void bpftime_vm_test_use() { bpftime_vm_test_function_that_is_nowhere(); }
#endif

#ifndef ABI_VERSION
#define ABI_VERSION plugin_abi_version
#endif
#ifndef DESCRIPTOR_NAME
#define DESCRIPTOR_NAME PLUGIN_NAME
#endif
#ifndef CREATE
#define CREATE create
#endif

#if defined(USES_THE_MACRO)
EBPF_VM_PLUGIN(PLUGIN_NAME, toy_vm);
#elif !defined(HAS_NO_DESCRIPTOR)
extern "C" EBPF_EXPORT const plugin_descriptor bpftime_vm_plugin_descriptor;
extern "C" const plugin_descriptor bpftime_vm_plugin_descriptor = {ABI_VERSION, DESCRIPTOR_NAME,
                                                                   CREATE};
#endif
