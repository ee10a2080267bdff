// bpftime-vm: contexts of packets, between our structs and those of linux/bpf.h
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "runtime/packet.hpp"

#include <cstdint>
#include <span>

namespace bpftime::vm::runtime_capi {

/// Gives the context what a struct of the kernel, or its beginning, says: fields that are not 0.
/// Errors: invalid_argument (a field that is the library's, or no field).
result<void> read_context(runtime::packet_context &context, std::span<const uint8_t> from);

/// The other way: all fields but addresses and the socket, which are 0.
void write_context(runtime::packet_context &context, std::span<uint8_t> to);

}  // namespace bpftime::vm::runtime_capi
