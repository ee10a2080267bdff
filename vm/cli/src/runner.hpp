// bpftime-vm: a VM with one program, for the command line
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"
#include "maps.hpp"
#include "runtime/loaded_object.hpp"

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
    /// A VM with the bytecode loaded and the helpers that need no maps.
    [[nodiscard]] static outcome<runner> create(const runner_options &options,
                                                std::span<const uint8_t> code);
    /// A VM with a program of an object, its maps and all helpers.
    [[nodiscard]] static outcome<runner> create(const runner_options &options,
                                                const object::object_file &file,
                                                const object::function_info &program);

    [[nodiscard]] std::string vm_name() const { return ebpf_get_vm_name(vm_.get()); }

    /// One run with r1 = memory and r2 = its size, which may also touch `regions`. A failure is
    /// what no further run would mend, as a missing helper.
    [[nodiscard]] outcome<run_result> run(std::span<uint8_t> memory,
                                          std::span<const ebpf_region> regions = {});
    /// Takes the records that the run sent; not part of the run's time.
    void take_records() { records_.drain(); }

    /// The object that the program is from; null if it is from none.
    [[nodiscard]] const runtime::loaded_object *object() const noexcept {
        return object_ ? &*object_ : nullptr;
    }
    [[nodiscard]] const record_log &records() const noexcept { return records_; }

private:
    explicit runner(std::shared_ptr<ebpf_vm> vm) : vm_{std::move(vm)} {}

    std::optional<runtime::loaded_object> object_;  // before the VM, which uses its maps
    std::shared_ptr<ebpf_vm> vm_;
    record_log records_;
};

/// The names of the backends, best first.
[[nodiscard]] std::vector<std::string> list_vms();

/// "out_of_bounds_read" and the like.
[[nodiscard]] std::string_view fault_name(uint32_t kind) noexcept;
/// "input", "stack" and the like.
[[nodiscard]] std::string_view region_name(uint32_t kind) noexcept;

}  // namespace bpftime::vm::cli
