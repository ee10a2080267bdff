// bpftime-vm: one program in all engines, over the same memory, compared in all that can be seen
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "ebpf-vm.h"
#include "playground.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::fuzz {

/// How engines run programs.
struct engine_settings {
    /// Number, order and meaning of ids are the playground's, and so are the callbacks.
    settings how = {};
    uint32_t optimization_level = EBPF_OPTIMIZATION_LEVEL;
    bool blinds_constants = false;
    bool eliminates_checks = true;
    bool bars_speculation = false;
    /// Programs that end well are run without checks, too.
    bool also_unchecked = false;
    uint64_t pointer_secret = 0;
};

/// Whether all engines put the stack at the same address when they are called from the same
/// place. They do, unless the sanitizer moves locals to the heap: then only programs whose
/// pointers are confined can be compared.
[[nodiscard]] bool stacks_agree();

/// The interpreter, which makes all checks and has no secrets, and the engines that are compared
/// with it: itself, the light JIT and the LLVM backend, as far as they are there, configured as the
/// settings say. Helpers read and write memory, give
/// pointers, grant memory, unwind; two are declared pure.
class engine_set {
public:
    explicit engine_set(engine_settings s);
    ~engine_set();
    engine_set(const engine_set &) = delete;
    engine_set &operator=(const engine_set &) = delete;

    /// Loads the program in all; a finding if they do not agree. Whether it loaded.
    [[nodiscard]] bool load(std::span<const uint8_t> code);

    /// What a run looks like from outside.
    struct observed {
        int64_t code = EBPF_OK;
        int64_t result = 0;
        ebpf_fault fault{};
        byte_vector memory;  ///< input memory, then all other memory that programs can reach
    };

    /// Runs the program in all, from the same memory. Nothing if they agree, else what they made
    /// of it. Addresses in faults count only if `exact`.
    [[nodiscard]] std::optional<std::string> difference(bool exact = true);
    /// What the interpreter made of the last run.
    [[nodiscard]] const observed &reference() const noexcept { return reference_; }

private:
    struct destroy {
        void operator()(ebpf_vm *vm) const noexcept { ebpf_destroy(vm); }
    };
    using vm_ptr = std::unique_ptr<ebpf_vm, destroy>;

    struct contender;

    void add(const contender &c);
    [[nodiscard]] vm_ptr make(const contender &c) const;
    [[nodiscard]] observed run(const contender &c) const;
    [[nodiscard]] std::string describe(const observed &other, const contender &c) const;

    engine_settings settings_;
    std::unique_ptr<uint8_t[]> memory_;
    std::vector<contender> all_;  ///< the reference first, those without checks last
    observed reference_;
};

}  // namespace bpftime::vm::fuzz
