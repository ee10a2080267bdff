// bpftime-vm: a VM with everything that a program can meet, every piece of its memory a heap block
// of exact size Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "ebpf-vm.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace bpftime::vm::fuzz {

/// How a program is loaded and run.
struct settings {
    uint32_t max_insns = EBPF_MAX_INSTS;
    uint64_t instruction_limit = 20'000;
    uint32_t stack_size = EBPF_STACK_SIZE;
    uint32_t call_depth = EBPF_CALL_DEPTH;
    std::size_t memory_size = 64;
    bool helpers = true;         ///< whether they are registered
    bool lddw_callbacks = true;  ///< whether they are set
    bool regions = true;         ///< whether the run gets a region besides its memory
    std::vector<uint32_t> jump_targets = {};
};

/// What became of a run.
struct outcome {
    int64_t code = EBPF_OK;
    int64_t result = 0;
    bool faulted = false;
    ebpf_fault fault{};
    byte_vector memory;  ///< the input memory after the run
};

/// Ids of all helpers, and of those that neither take, keep nor return pointers.
[[nodiscard]] std::span<const uint32_t> all_helpers() noexcept;
[[nodiscard]] std::span<const uint32_t> scalar_helpers() noexcept;

/// One VM of the light backend. Checks on the way that the C API keeps its own rules.
class playground {
public:
    explicit playground(settings how);
    playground(const playground &) = delete;
    playground &operator=(const playground &) = delete;

    /// What ebpf_load() returns.
    int load(std::span<const uint8_t> code);
    /// Runs the program over fresh memory.
    outcome run();

private:
    struct destroy {
        void operator()(ebpf_vm *vm) const noexcept { ebpf_destroy(vm); }
    };

    void register_helpers();
    void set_callbacks();

    settings settings_;
    std::unique_ptr<ebpf_vm, destroy> vm_;
};

}  // namespace bpftime::vm::fuzz
