// bpftime-vm: a program that was compiled by the light JIT
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "jit.hpp"
#include "jit_state.hpp"

#include <memory>
#include <mutex>

namespace bpftime::vm::ubpf {

/// Native code with what a run of it needs. Its address is known to the code, so it stays where it
/// is.
class native_program final : public compat::executable {
public:
    explicit native_program(const compat::build_input &input)
        : input_{input}, stack_{input.config.stack_size, input.config.call_depth} {}

    void adopt(native_code code) noexcept;

    bool execute(compat::run &r, uint64_t &r0) const override;
    bool call_back(compat::run &r, uint32_t pc, uint64_t function, const uint64_t arguments[5],
                   uint64_t &r0) const override;
    bool call(compat::run &r, uint64_t function, const uint64_t arguments[5],
              uint64_t &r0) const override;
    [[nodiscard]] compat::precompiled_ebpf_function entry() const noexcept override;

    /// A run that began at the native entry point: r0, or UINT64_MAX on a fault.
    uint64_t enter(void *mem, std::size_t mem_len) const;

    [[nodiscard]] const compat::build_input &input() const noexcept { return input_; }
    [[nodiscard]] const native_code &code() const noexcept { return code_; }
    /// Where the native code of the function at `pc` is.
    [[nodiscard]] const std::byte *function_code(uint32_t pc) const noexcept;
    /// The same for jump_targets()[index].
    [[nodiscard]] const std::byte *target_code(std::size_t index) const noexcept {
        return begin_ + code_.jump_targets[index];
    }

    /// The program in an interpreter that checks all accesses, in frames like those of this code.
    [[nodiscard]] const compat::executable &interpreter() const;

private:
    /// Runs the function at `code` with the state's words as r1 to r5 and `frame` as r10 of its
    /// caller. 0 if the run ends; else the state's first word is r0.
    using enter_stub = uint32_t (*)(const std::byte *code, jit_state *state, uint64_t frame);

    [[nodiscard]] jit_state state_of(compat::run &r) const noexcept;
    bool enter_function(compat::run &r, jit_state &state, const std::byte *function, uint64_t frame,
                        uint64_t &r0) const;

    compat::build_input input_;
    compat::stack_layout stack_;  ///< as compiled in: the VM's setting may change
    native_code code_;
    // What each run needs of it, at hand:
    const std::byte *begin_ = nullptr;
    enter_stub enter_ = nullptr;
    access_starts frame_starts_{};  ///< of frames that are in memory
    // Made when it is first asked for:
    mutable std::once_flag has_interpreter_;
    mutable std::unique_ptr<const compat::vm_config> interpreter_config_;
    mutable std::unique_ptr<const compat::executable> interpreter_;
};

}  // namespace bpftime::vm::ubpf
