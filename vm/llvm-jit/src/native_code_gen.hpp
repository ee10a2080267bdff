// bpftime-vm: LLVM IR to native code in this process
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "compat/configured_vm.hpp"
#include "counters.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace llvm {
class Module;
}

namespace bpftime::vm::llvm_jit {

/// Code in executable memory; released with this object.
class loaded_code {
public:
    class memory {
    public:
        virtual ~memory() = default;
    };

    loaded_code() = default;
    loaded_code(std::unique_ptr<memory> owner, entry_function main_code,
                compat::precompiled_ebpf_function native_entry, call_back_function back) noexcept
        : owner_{std::move(owner)}, main_{main_code}, entry_{native_entry}, call_back_{back} {}

    [[nodiscard]] entry_function main() const noexcept { return main_; }
    [[nodiscard]] compat::precompiled_ebpf_function entry() const noexcept { return entry_; }
    /// Null if no helper calls functions of the program.
    [[nodiscard]] call_back_function call_back() const noexcept { return call_back_; }
    /// Bytes of the host's stack that the largest frame of a function takes.
    [[nodiscard]] std::size_t largest_frame() const noexcept { return largest_frame_; }
    void set_largest_frame(std::size_t bytes) noexcept { largest_frame_ = bytes; }
    /// What making the code did.
    [[nodiscard]] const counters &counted() const noexcept { return counted_; }
    void set_counted(const counters &counted) noexcept { counted_ = counted; }

private:
    std::unique_ptr<memory> owner_;
    entry_function main_ = nullptr;
    compat::precompiled_ebpf_function entry_ = nullptr;
    call_back_function call_back_ = nullptr;
    std::size_t largest_frame_ = 0;
    counters counted_;
};

/// Whether LLVM knows a CPU of this name, and this machine runs its code: why not.
[[nodiscard]] result<void> check_processor(const std::string &name);

/// Compiles a program and loads its code; `program` is what the native entry point will run.
/// Thread-safe. LLVM's tables, target machines and the linker's session are made once per process.
/// `change`: gets the optimised module before it becomes code, for who measures what code does.
[[nodiscard]] result<loaded_code> generate_native_code(
    const compat::build_input &input, const native_program *program,
    const std::function<void(llvm::Module &)> &change = {});

}  // namespace bpftime::vm::llvm_jit
