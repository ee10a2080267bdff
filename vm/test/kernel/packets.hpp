// bpftime-vm: the packets that programs are compared on
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace bpftime::vm::differential {

using bytes = std::vector<uint8_t>;

struct named_packet {
    const char *name;
    bytes frame;  ///< from its Ethernet header on
};

/// Eight frames whose lengths and checksums are right:
///
/// | name       | destination      | what                                                |
/// |------------|------------------|-----------------------------------------------------|
/// | tcp4       | the interface    | SYN from 10.0.0.1:40000 to 10.0.0.2:80              |
/// | udp4       | broadcast        | DNS query from 192.168.1.10:5353 to 192.168.1.1:53  |
/// | icmp4      | the interface    | echo request from 10.0.0.1 to 10.0.0.2              |
/// | tcp6       | another host     | data from [2001:db8::1]:40001 to [2001:db8::2]:443  |
/// | udp6       | multicast        | from [fe80::1]:546 to [ff02::1:2]:547               |
/// | arp        | broadcast        | who has 10.0.0.2                                    |
/// | vlan       | the interface    | tag 5, then UDP from 10.0.0.1:1000 to 10.0.0.2:2000 |
/// | fragment4  | another host     | with an IP option; second of several fragments      |
[[nodiscard]] std::span<const named_packet> packets();

}  // namespace bpftime::vm::differential
