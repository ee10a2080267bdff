// bpftime-vm: a VM with one program, for the command line
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"

#include <ebpf-vm.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::cli {

struct runner_options {
    std::string vm;  ///< empty: the best backend there is
    std::optional<uint64_t> instruction_limit;
    uint32_t max_insns = EBPF_MAX_INSTS;
    bool bounds_check = true;
};

/// A run that ended in a fault.
struct run_fault {
    ebpf_fault fault;
    std::string message;
};

/// r0, or the fault.
using run_result = std::expected<uint64_t, run_fault>;

class runner {
public:
    /// A VM with the program loaded and the helpers of bpftime-cli registered.
    [[nodiscard]] static outcome<runner> create(const runner_options &options,
                                                std::span<const uint8_t> code);

    [[nodiscard]] std::string vm_name() const { return ebpf_get_vm_name(vm_.get()); }

    /// One run with r1 = memory and r2 = its size, which may also touch `regions`. A failure is
    /// what no further run would mend, as a missing helper.
    [[nodiscard]] outcome<run_result> run(std::span<uint8_t> memory,
                                          std::span<const ebpf_region> regions = {});

private:
    struct destroy {
        void operator()(ebpf_vm *vm) const noexcept { ebpf_destroy(vm); }
    };

    explicit runner(ebpf_vm *vm) : vm_{vm} {}
    [[nodiscard]] outcome<void> configure(const runner_options &options);
    [[nodiscard]] outcome<void> load(std::span<const uint8_t> code);

    std::unique_ptr<ebpf_vm, destroy> vm_;
};

/// The names of the backends, best first.
[[nodiscard]] std::vector<std::string> list_vms();

/// "out_of_bounds_read" and the like.
[[nodiscard]] std::string_view fault_name(uint32_t kind) noexcept;
/// "input", "stack" and the like.
[[nodiscard]] std::string_view region_name(uint32_t kind) noexcept;

}  // namespace bpftime::vm::cli
