// bpftime-vm: what the tests of the LLVM backend share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/config.hpp"
#include "ebpf-vm.h"
#include "optimizer.hpp"
#include "program/program.hpp"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::llvm_jit::test {

/// Helpers of every test here, all of them without effects on the program's memory:
/// 1: anything, untyped; 2: constant, one scalar; 3: reads memory, one scalar; 4: impure, reads
/// the memory in r1 of the size in r2; 5: the unwind helper. Values of lddw are numbers that do not
/// depend on the host.
[[nodiscard]] compat::vm_config test_config();

/// A program that is linked and can be compiled. Stays where it is.
class linked_program {
public:
    explicit linked_program(std::string_view assembly, compat::vm_config how = test_config());
    linked_program(const linked_program &) = delete;
    linked_program &operator=(const linked_program &) = delete;

    [[nodiscard]] const program &code() const { return *code_; }
    [[nodiscard]] const compat::linkage &linked() const { return *linked_; }
    [[nodiscard]] const compat::vm_config &config() const { return config_; }

    /// The module as the compiler makes it, for no machine in particular.
    [[nodiscard]] std::unique_ptr<llvm::Module> compile(llvm::LLVMContext &context) const;
    /// The same for `machine`, and optimised.
    [[nodiscard]] std::unique_ptr<llvm::Module> optimize(llvm::LLVMContext &context,
                                                         llvm::TargetMachine &machine,
                                                         const optimizing &how = {}) const;
    /// What that did.
    [[nodiscard]] const counters &counted() const { return counted_; }

private:
    compat::vm_config config_;
    std::optional<program> code_;
    std::optional<compat::linkage> linked_;
    std::atomic<uint32_t> interrupts_ = 0;
    mutable counters counted_;
};

/// An x86 CPU with AVX2, whatever this machine is; null if this LLVM knows no x86.
[[nodiscard]] std::unique_ptr<llvm::TargetMachine> make_machine();

[[nodiscard]] std::string to_text(const llvm::Module &module);
/// Whether LLVM finds the module well formed; prints why not.
[[nodiscard]] bool is_valid(const llvm::Module &module);

// --- over the C API

[[nodiscard]] std::vector<uint8_t> assemble(std::string_view text);

struct destroy_vm {
    void operator()(ebpf_vm *vm) const noexcept { ebpf_destroy(vm); }
};
using vm_ptr = std::unique_ptr<ebpf_vm, destroy_vm>;

/// A VM of `backend` with the program loaded; the test fails if there is none.
[[nodiscard]] vm_ptr load(std::string_view assembly, const char *backend = "llvm");
/// r0 of a run that must go well.
uint64_t run(ebpf_vm *vm, void *mem = nullptr, std::size_t mem_len = 0);

/// What ebpf_compile_stats() says, by name.
[[nodiscard]] std::map<std::string, uint64_t> stats_of(ebpf_vm *vm);

}  // namespace bpftime::vm::llvm_jit::test
