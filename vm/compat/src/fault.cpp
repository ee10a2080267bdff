// bpftime-vm: faults as messages, and the last one of each thread
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/fault.hpp"

#include "ebpf-types.h"
#include "fault_of_thread.hpp"

#include <fmt/format.h>

#include <array>

namespace bpftime::vm::compat {

namespace {

struct fault_row {
    std::string_view name;
    std::string_view text;
};

constexpr auto fault_table = std::to_array<fault_row>({
#define FAULT(kind, value, text) {#kind, text},
#include "compat/faults.def"
#undef FAULT
});

const fault_row &row(fault_kind kind) noexcept {
    return fault_table[static_cast<std::size_t>(kind)];
}

bool is_about_memory(fault_kind kind) {
    return kind == fault_kind::out_of_bounds_read or kind == fault_kind::out_of_bounds_write or
           kind == fault_kind::read_only_write or kind == fault_kind::misaligned_atomic;
}

std::string region_text(const fault &f) {
    switch (f.region) {
    case region_kind::input: return fmt::format("offset {} of the input memory", f.offset);
    case region_kind::stack:
        return fmt::format("offset {} of stack frame {}", f.offset, f.region_index);
    case region_kind::registered:
        return fmt::format("offset {} of registered region {}", f.offset, f.region_index);
    case region_kind::run:
        return fmt::format("offset {} of region {} of this run", f.offset, f.region_index);
    case region_kind::granted:
        return fmt::format("offset {} of memory granted by a helper", f.offset);
    case region_kind::none: break;
    }
    return "memory that nobody granted (register it with ebpf_register_region(), give it with "
           "ebpf_exec_regions(), "
           "or grant it in a helper with ebpf_grant())";
}

std::string_view remedy(fault_kind kind) {
    switch (kind) {
    case fault_kind::call_depth_exceeded: return ": raise the limit with ebpf_set_call_depth()";
    case fault_kind::instruction_limit:
        return ": raise the limit with ebpf_set_instruction_limit()";
    default: return "";
    }
}

}  // namespace

#define FAULT(kind, value, text) static_assert(static_cast<int>(fault_kind::kind) == (value));
#include "compat/faults.def"
#undef FAULT
static_assert(static_cast<int>(fault_kind::unavailable) == EBPF_FAULT_UNAVAILABLE);
static_assert(static_cast<int>(fault_kind::instruction_limit) == EBPF_FAULT_INSTRUCTION_LIMIT);

std::string_view name_of(fault_kind kind) noexcept { return row(kind).name; }

std::string to_message(const fault &f, const program &p) {
    std::string text = fmt::format("{}: {} at pc {} (`{}`)", row(f.kind).name, row(f.kind).text,
                                   f.pc, p.text_at(f.pc));
    if (is_about_memory(f.kind)) {
        text += fmt::format(": {} bytes at {}", f.size, region_text(f));
    }
    return text.append(remedy(f.kind));
}

constinit thread_local fault fault_of_thread;

const fault &last_fault() noexcept { return fault_of_thread; }
void set_last_fault(const fault &f) noexcept { fault_of_thread = f; }
void clear_last_fault() noexcept { forget_fault(); }

}  // namespace bpftime::vm::compat
