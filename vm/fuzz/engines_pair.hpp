// bpftime-vm: one program in two engines, over the same memory, compared in all that can be seen
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "ebpf-vm.h"
#include "playground.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace bpftime::vm::fuzz {

/// How a pair of engines runs programs.
struct pair_settings {
    /// Number, order and meaning of ids are the playground's, and so are the callbacks.
    settings how = {};
    uint32_t optimization_level = EBPF_OPTIMIZATION_LEVEL;
};

/// Whether both engines put the stack at the same address when they are called from the same
/// place. They do, unless the sanitizer moves locals to the heap: then only programs whose
/// pointers are confined can be compared.
[[nodiscard]] bool stacks_agree();

/// The interpreter and the LLVM backend, both configured alike. Helpers read and write memory, give
/// pointers, grant memory, unwind; two are declared pure.
class engine_pair {
public:
    explicit engine_pair(pair_settings s);
    engine_pair(const engine_pair &) = delete;
    engine_pair &operator=(const engine_pair &) = delete;

    /// Loads the program in both; a finding if they do not agree. Whether it loaded.
    [[nodiscard]] bool load(std::span<const uint8_t> code);

    /// What a run looks like from outside.
    struct observed {
        int64_t code = EBPF_OK;
        int64_t result = 0;
        ebpf_fault fault{};
        byte_vector memory;  ///< input memory, then all other memory that programs can reach
    };

    /// Runs the program in both, from the same memory. Nothing if they agree, else what they made
    /// of it. Addresses in faults count only if `exact`.
    [[nodiscard]] std::optional<std::string> difference(bool exact = true);
    /// What the interpreter made of the last run.
    [[nodiscard]] const observed &reference() const noexcept { return seen_.front(); }

private:
    struct destroy {
        void operator()(ebpf_vm *vm) const noexcept { ebpf_destroy(vm); }
    };
    using vm_ptr = std::unique_ptr<ebpf_vm, destroy>;

    [[nodiscard]] vm_ptr make(const char *backend) const;

    pair_settings settings_;
    std::unique_ptr<uint8_t[]> memory_;
    std::array<vm_ptr, 2> vms_;
    std::array<observed, 2> seen_;
};

}  // namespace bpftime::vm::fuzz
