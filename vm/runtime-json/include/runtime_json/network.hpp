// bpftime-vm: the network that programs ask about, from JSON
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "runtime/network.hpp"
#include "runtime_json/values.hpp"

namespace bpftime::vm::runtime_json {

/// Adds what a document says: {"interfaces": [..], "routes": [..], "neighbours": [..], "sockets":
/// [..]}, with the members that ebpf_network_load_json() names (ebpf-network.h). Stops at the first
/// error. Errors: invalid_argument (a member that is not known, or not what it should be).
result<void> add_to(runtime::network &network, const json &document);

}  // namespace bpftime::vm::runtime_json
