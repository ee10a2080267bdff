// bpftime-vm: helpers that do what the kernel's do
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "isa/error.hpp"
#include "object/btf.hpp"
#include "program/helper.hpp"

#include <functional>
#include <span>
#include <string_view>

namespace bpftime::vm::runtime {

/// A row of helpers.def or kernel_functions.def.
struct helper_row {
    helper_declaration declaration;
    std::string_view meaning;
    external_function_t function;
    bool of_packet;  ///< see needs_packet()
};

/// All helpers, by topic.
[[nodiscard]] std::span<const helper_row> helper_table();

/// Functions of the kernel that programs call by name: helpers with ids of ours, from
/// first_kernel_function on. loaded_object finds them by name.
[[nodiscard]] std::span<const helper_row> kernel_function_table();
inline constexpr uint32_t first_kernel_function = 0x6b66'0000;

/// The kernel's name of helper `id`, whether it is in the table or not; empty: the kernel has none.
[[nodiscard]] std::string_view helper_name(uint32_t id) noexcept;

/// Whether it is about the packet of the running packet_context, and fails without one.
[[nodiscard]] inline bool needs_packet(const helper_row &row) noexcept { return row.of_packet; }

/// Registers those of both tables that do not need a packet, with their types. Those that take maps
/// need the VM to know maps: map_set::attach().
result<void> register_helpers(ebpf_vm &vm);
/// Registers the others, for VMs that packet_context::exec() runs.
result<void> register_packet_helpers(ebpf_vm &vm);

/// Gets what a program prints, on the thread that runs it, during the run. Without an end of line
/// unless the program wrote one.
using trace_sink = std::function<void(std::string_view text)>;

/// Registers bpf_trace_printk() and bpf_trace_vprintk() once more, so that `sink` gets the text,
/// which is lost otherwise. It must outlive the VM's runs.
result<void> register_trace(ebpf_vm &vm, const trace_sink &sink);

/// Registers bpf_snprintf_btf() and bpf_seq_printf_btf() once more, so that programs can print
/// values of these types, which must outlive the VM's runs. Without, there are none.
result<void> register_types(ebpf_vm &vm, const object::btf &types);

enum class signal_target : uint8_t { process, thread };

/// Gets the signals that a program sends to the process, or thread, which it runs in; gives 0 or a
/// negative errno.
using signal_sink = std::function<int(int number, signal_target to)>;

/// Registers bpf_send_signal() and bpf_send_signal_thread() once more, for `sink` to decide what
/// happens; -EPERM otherwise. It must outlive the VM's runs.
result<void> register_signals(ebpf_vm &vm, const signal_sink &sink);

}  // namespace bpftime::vm::runtime
