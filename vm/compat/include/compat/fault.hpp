// bpftime-vm: faults, the values by which a run tells why it ended early
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "program/program.hpp"
#include "program/region.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace bpftime::vm::compat {

/// Rows of faults.def.
enum class fault_kind : uint8_t {
#define FAULT(kind, value, text) kind = value,
#include "compat/faults.def"
#undef FAULT
};

/// A fault. Engines agree on everything but `address`.
struct fault {
    fault_kind kind = fault_kind::none;
    uint32_t pc = 0;
    region_kind region = region_kind::none;
    uint32_t region_index = 0;
    int64_t offset = 0;         ///< from the start of the region, bytes
    uint64_t size = 0;          ///< of the access, bytes
    uint64_t address = 0;       ///< of the access; for callx and gotox the register's value
    uint64_t region_bytes = 0;  ///< how long the region is; 0 if there is none
};

[[nodiscard]] std::string_view name_of(fault_kind kind) noexcept;

/// What a user reads: kind, pc, instruction, where that comes from, place and remedy; no host
/// address. `source` may be null.
[[nodiscard]] std::string to_message(const fault &f, const program &p,
                                     const program_source *source);

/// The fault of the last run on this thread; kind none if it ended well.
[[nodiscard]] EBPF_EXPORT const fault &last_fault() noexcept;
/// Where its instruction comes from.
[[nodiscard]] instruction_source last_fault_source();
void set_last_fault(const fault &f) noexcept;
void clear_last_fault() noexcept;

}  // namespace bpftime::vm::compat
