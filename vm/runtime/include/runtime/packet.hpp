// bpftime-vm: one packet, and what a program gets of it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "isa/error.hpp"
#include "object/program_type.hpp"
#include "program/region.hpp"
#include "runtime/context.hpp"

#include <cstdint>
#include <span>
#include <variant>

namespace bpftime::vm::runtime {

/// A packet as BPF_PROG_TEST_RUN gives it to programs: it came in on interface 1, the loopback
/// interface, into queue 0.
///
/// The code that runs is what rewrite_context_accesses() made. It gets the context as its input
/// memory, and the packet as memory of the run: it cannot leave the packet, whatever `data_end`
/// says.
class packet_context {
public:
    /// `frame` begins with its Ethernet header, and stays where it is: who may write packets writes
    /// it. Errors: unsupported (programs of this type get no packet), invalid_argument (no room for
    /// an Ethernet header).
    [[nodiscard]] static result<packet_context> create(object::program_type type,
                                                       std::span<uint8_t> frame);

    /// The context, to look at and to change between runs; null if it is the other one.
    [[nodiscard]] xdp_context *xdp() noexcept { return std::get_if<xdp_context>(&context_); }
    [[nodiscard]] skb_context *skb() noexcept { return std::get_if<skb_context>(&context_); }
    /// What the program sees: XDP and traffic control from the Ethernet header on, others from what
    /// follows it.
    [[nodiscard]] std::span<uint8_t> packet() const noexcept { return packet_; }
    /// What the program may do with it.
    [[nodiscard]] permission allowed() const noexcept { return allowed_; }

    /// Runs the program once; `r0` is its verdict. 0 or a negative `enum ebpf_error`.
    int64_t exec(ebpf_vm &vm, int64_t &r0);

private:
    packet_context() = default;

    std::variant<xdp_context, skb_context> context_;
    std::span<uint8_t> packet_;
    permission allowed_ = permission::none;
};

}  // namespace bpftime::vm::runtime
