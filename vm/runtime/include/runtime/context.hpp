// bpftime-vm: the contexts that programs get, as the kernel lays them out, and where ours keep them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "object/program_type.hpp"
#include "program/program.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::runtime {

/// What an XDP program sees of its packet. Programs compiled for the kernel know it as struct
/// xdp_md, whose pointers have 32 bits.
struct xdp_context {
    uint64_t data = 0;       ///< address of the packet's first byte
    uint64_t data_end = 0;   ///< one past its last byte
    uint64_t data_meta = 0;  ///< address of the metadata before it; `data` if there is none
    uint32_t ingress_ifindex = 0;
    uint32_t rx_queue_index = 0;
    uint32_t egress_ifindex = 0;
    uint32_t reserved = 0;
};

/// What programs of other types see of their packet. Programs compiled for the kernel know it as
/// struct __sk_buff; names and values are the ones there.
struct skb_context {
    uint64_t data = 0;
    uint64_t data_end = 0;
    uint64_t data_meta = 0;
    uint64_t sk = 0;  ///< address of a socket_view
    uint64_t tstamp = 0;
    uint64_t hwtstamp = 0;
    uint32_t cb[5] = {};
    uint32_t len = 0;
    uint32_t pkt_type = 0;
    uint32_t mark = 0;
    uint32_t queue_mapping = 0;
    uint32_t protocol = 0;  ///< in network byte order
    uint32_t vlan_present = 0;
    uint32_t vlan_tci = 0;
    uint32_t vlan_proto = 0;
    uint32_t priority = 0;
    uint32_t ingress_ifindex = 0;
    uint32_t ifindex = 0;
    uint32_t tc_index = 0;
    uint32_t hash = 0;
    uint32_t tc_classid = 0;
    uint32_t napi_id = 0;
    uint32_t family = 0;
    uint32_t remote_ip4 = 0;
    uint32_t local_ip4 = 0;
    uint32_t remote_ip6[4] = {};
    uint32_t local_ip6[4] = {};
    uint32_t remote_port = 0;
    uint32_t local_port = 0;
    uint32_t wire_len = 0;
    uint32_t gso_segs = 0;
    uint32_t gso_size = 0;
    uint8_t tstamp_type = 0;
    uint8_t reserved[3] = {};
};

/// How many bytes of a field one access may take.
enum class context_width : uint8_t {
    exact,   ///< all of an element
    narrow,  ///< reads: also fewer, at a multiple of their number; writes: all
    any,     ///< reads and writes of 1, 2, 4 and 8 bytes inside the field, aligned
};

/// A set of program types: bit n is the type with number n.
using program_set = uint64_t;
[[nodiscard]] constexpr program_set set_of(object::program_type type) noexcept {
    return program_set{1} << static_cast<unsigned>(type);
}

/// A row of context_fields.def.
struct context_field {
    std::string_view name;
    uint32_t offset = 0;        ///< as programs know it (linux/bpf.h)
    uint32_t size = 0;          ///< bytes there
    uint32_t element = 0;       ///< bytes of an element of an array; of others, `size`
    uint32_t host_offset = 0;   ///< in xdp_context or skb_context
    bool wide_pointer = false;  ///< an address: 4 bytes to programs, 8 in our structs
    context_width widths = context_width::exact;
    program_set readers = 0;
    program_set writers = 0;
};

/// The context of some types of programs.
struct context_layout {
    std::string_view name;   ///< of the kernel's struct
    uint32_t size = 0;       ///< bytes of the kernel's struct
    uint32_t host_size = 0;  ///< bytes of ours
    std::span<const context_field> fields;

    /// The field that the byte at `offset` of the kernel's struct is in; null if it is padding.
    [[nodiscard]] const context_field *find(int64_t offset) const noexcept;
};

/// The context of programs of this type; null: it is whatever the host gives them.
[[nodiscard]] const context_layout *context_layout_of(object::program_type type) noexcept;

/// One access to a context, as the program means it.
struct context_access {
    int64_t offset = 0;  ///< in the kernel's struct
    uint32_t width = 0;  ///< bytes
    bool write = false;
    bool sign_extends = false;
};

/// Why the kernel would refuse the access, "" if it would not. Its answer depends on more than the
/// type of the program for one field, egress_ifindex, which we give to all XDP programs.
[[nodiscard]] std::string why_refused(const context_layout &layout, object::program_type type,
                                      const context_access &access);

/// What a program itself does with the fields of its context.
enum class context_use : uint8_t { none, reads, writes };

/// A program as it runs with our contexts.
struct adapted_code {
    std::vector<uint8_t> code;
    context_use use = context_use::none;
};

/// `code`, which `p` was made of, with every access to the context changed to where our struct
/// keeps the field: instruction for instruction, so that nothing else moves. Programs of types
/// without a context_layout stay as they are.
///
/// Which accesses are meant is found by data flow from r1 of the entry function. It relies on what
/// the kernel's verifier demands of programs, for the right meaning only: a program that breaks its
/// rules meets the checks of the run as any other. Errors: bad_context_access, unclear_context (a
/// register that is the context on one path only, or at an offset that is not constant),
/// unsupported (recursion).
///
/// Legacy packet loads stay; packet_context::exec() lets them read the packet, whatever r6 is.
[[nodiscard]] result<adapted_code> rewrite_context_accesses(std::span<const uint8_t> code,
                                                            const program &p,
                                                            object::program_type type);

}  // namespace bpftime::vm::runtime
