// bpftime-vm: the tunnel that a packet came out of, or goes into
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/network.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace bpftime::vm::runtime {

/// Flags of a tunnel, with the kernel's values (TUNNEL_.. of linux/if_tunnel.h) in host byte order.
enum tunnel_flag : uint16_t {
    tunnel_checksum = 0x01,
    tunnel_key = 0x04,
    tunnel_sequence = 0x08,
    tunnel_dont_fragment = 0x100,
    tunnel_no_cache = 0x2000,
    tunnel_has_options = 0xd800,  ///< of all kinds: a program does not say of which
};

/// Of a packet that came in: by its outer header. Of one that goes out: for the outer header that
/// it is to get.
struct packet_tunnel {
    uint64_t id = 0;
    ip_address source{};
    ip_address destination{};
    uint8_t service = 0;  ///< type of service
    uint8_t hops = 0;     ///< time to live
    uint32_t flow_label = 0;
    uint16_t flags = 0;  ///< tunnel_flag bits
    bool is_outgoing = false;
    std::optional<std::vector<uint8_t>> options{};  ///< of Geneve, VXLAN or ERSPAN
};

}  // namespace bpftime::vm::runtime
