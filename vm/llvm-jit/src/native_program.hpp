// bpftime-vm: a program that was compiled to native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "compat/configured_vm.hpp"
#include "native_code_gen.hpp"

#include <vector>

namespace bpftime::vm::llvm_jit {

/// Compiled code with what a run of it needs. Its address is known to the code, so it stays where
/// it is.
class native_program final : public compat::executable {
public:
    explicit native_program(const compat::build_input &input)
        : input_{input}, stack_{input.config.stack_size, input.config.call_depth} {}

    void adopt(loaded_code code) noexcept;

    bool execute(compat::run &r, uint64_t &r0) const override;
    bool call_back(compat::run &r, uint32_t pc, uint64_t function, const uint64_t arguments[5],
                   uint64_t &r0) const override;
    bool call(compat::run &r, uint64_t function, const uint64_t arguments[5],
              uint64_t &r0) const override;
    [[nodiscard]] compat::precompiled_ebpf_function entry() const noexcept override {
        return code_.entry();
    }
    [[nodiscard]] std::vector<compat::compile_stat> stats() const override {
        return code_.counted().rows();
    }
    /// A run that began at the native entry point: r0, or UINT64_MAX on a fault.
    uint64_t enter(void *mem, std::size_t mem_len) const;

private:
    compat::build_input input_;
    compat::stack_layout stack_;  ///< as compiled in: the VM's setting may change
    loaded_code code_;
    uint32_t depth_ = 0;          ///< frames that a run may have
    std::size_t host_stack_ = 0;  ///< bytes that a run may need, helpers not included
};

}  // namespace bpftime::vm::llvm_jit
